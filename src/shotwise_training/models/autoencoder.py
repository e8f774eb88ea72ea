"""The autoencoder: scaled values → latents → scaled values, trained without labels."""

from __future__ import annotations

import torch

HIDDEN = 24
BATCH = 256
EPOCHS, MAX_STEPS = 150, 3000  # a large table needs fewer passes for as many steps


class Autoencoder(torch.nn.Module):
    """F → 24 → D → 24 → F with tanh, on scaled values; the D values in the middle are the latents."""

    def __init__(self, features: int, latents: int) -> None:
        super().__init__()
        self.encode_hidden = torch.nn.Linear(features, HIDDEN)
        self.encode = torch.nn.Linear(HIDDEN, latents)
        self.decode_hidden = torch.nn.Linear(latents, HIDDEN)
        self.decode = torch.nn.Linear(HIDDEN, features)

    def latent(self, scaled: torch.Tensor) -> torch.Tensor:
        """Encode scaled values [N, F] as latents [N, D], each in (-1, 1)."""
        return torch.tanh(self.encode(torch.tanh(self.encode_hidden(scaled))))

    def reconstruct(self, latent: torch.Tensor) -> torch.Tensor:
        """Decode latents [N, D] to scaled values [N, F]."""
        reconstructed: torch.Tensor = self.decode(torch.tanh(self.decode_hidden(latent)))
        return reconstructed

    def forward(self, scaled: torch.Tensor) -> torch.Tensor:
        """Reconstruct scaled values [N, F]."""
        return self.reconstruct(self.latent(scaled))


def fit_autoencoder(scaled: torch.Tensor, latents: int, seed: int) -> Autoencoder:
    """Train an autoencoder.

    Parameters
    ----------
    scaled : float64 [N, F], standardised values of the training shots without NaN.
    latents : number of latents.
    seed : seed of the weights and of the order of the batches; it sets torch's global generator.

    Returns
    -------
    The autoencoder in float64, in which it is evaluated; it was trained in float32.
    """
    scaled = scaled.float()
    torch.manual_seed(seed)
    model = Autoencoder(scaled.shape[1], latents)
    batches = -(-len(scaled) // BATCH)
    epochs = max(min(EPOCHS, MAX_STEPS // batches), 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-5)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=1e-2, total_steps=epochs)
    for _ in range(epochs):
        for batch in torch.randperm(len(scaled)).split(BATCH):  # type: ignore[no-untyped-call]
            optimiser.zero_grad()
            loss = torch.nn.functional.mse_loss(model(scaled[batch]), scaled[batch])
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        schedule.step()
    # A constant is 0 in every training shot, so its weights were never taught. Weight decay takes them to nothing where
    # the steps are many; here it is certain: a constant that a plant moves changes the reconstruction error alone.
    with torch.no_grad():
        model.encode_hidden.weight[:, (scaled == scaled[0]).all(dim=0)] = 0
    return model.double().eval()
