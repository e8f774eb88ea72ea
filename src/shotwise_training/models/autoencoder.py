"""The autoencoder: scaled values → latents → scaled values; trained without labels, on the shots that it is given."""

from __future__ import annotations

import torch

HIDDEN = 24
BATCH = 256
EPOCHS, MAX_STEPS = 150, 3000  # a large table needs fewer passes for as many steps


class Autoencoder(torch.nn.Module):
    """F → 24 → D → 24 → F with tanh, on scaled values. The D in the middle are the latents."""

    def __init__(self, features: int, latents: int) -> None:
        super().__init__()
        self.encode_hidden = torch.nn.Linear(features, HIDDEN)
        self.encode = torch.nn.Linear(HIDDEN, latents)
        self.decode_hidden = torch.nn.Linear(latents, HIDDEN)
        self.decode = torch.nn.Linear(HIDDEN, features)

    def latent(self, scaled: torch.Tensor) -> torch.Tensor:
        """[N, F] scaled → [N, D], each in (-1, 1)."""
        return torch.tanh(self.encode(torch.tanh(self.encode_hidden(scaled))))

    def rebuild(self, latent: torch.Tensor) -> torch.Tensor:
        """[N, D] → [N, F] scaled."""
        return self.decode(torch.tanh(self.decode_hidden(latent)))

    def forward(self, scaled: torch.Tensor) -> torch.Tensor:
        """[N, F] scaled → [N, F] reconstructed."""
        return self.rebuild(self.latent(scaled))


def fit_autoencoder(data: torch.Tensor, latents: int, seed: int) -> Autoencoder:
    """Train on float64 [N, F] scaled; in float32, handed back in float64, in which it is evaluated."""
    data = data.float()
    torch.manual_seed(seed)
    model = Autoencoder(data.shape[1], latents)
    batches = -(-len(data) // BATCH)
    epochs = max(min(EPOCHS, MAX_STEPS // batches), 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-5)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=1e-2, total_steps=epochs)
    for _ in range(epochs):
        for batch in torch.randperm(len(data)).split(BATCH):
            optimiser.zero_grad()
            torch.nn.functional.mse_loss(model(data[batch]), data[batch]).backward()
            optimiser.step()
        schedule.step()
    # A constant is 0 in every training shot, so its weights were never taught. Weight decay takes them to nothing where
    # the steps are many; here it is certain: a constant that a plant moves changes the reconstruction error alone.
    with torch.no_grad():
        model.encode_hidden.weight[:, (data == data[0]).all(dim=0)] = 0
    return model.double().eval()
