"""Train the autoencoder: scaled values → latents → scaled values, without labels."""

from __future__ import annotations

import torch

HIDDEN = 24
BATCH = 256
MAX_STEPS = 3000  # which a large table reaches in fewer epochs


class Autoencoder(torch.nn.Module):
    """An autoencoder of scaled values with layers F → 24 → D → 24 → F and tanh; the D values are the latents."""

    def __init__(self, features: int, latents: int) -> None:
        super().__init__()
        self.encode_hidden = torch.nn.Linear(features, HIDDEN)
        self.encode = torch.nn.Linear(HIDDEN, latents)
        self.decode_hidden = torch.nn.Linear(latents, HIDDEN)
        self.decode = torch.nn.Linear(HIDDEN, features)

    def latent(self, scaled: torch.Tensor) -> torch.Tensor:
        """Encode scaled values, shape (n_shots, n_features), as latents in (-1, 1), shape (n_shots, n_latents)."""
        return torch.tanh(self.encode(torch.tanh(self.encode_hidden(scaled))))

    def reconstruct(self, latent: torch.Tensor) -> torch.Tensor:
        """Decode latents to scaled values; the inverse of `latent`."""
        reconstructed: torch.Tensor = self.decode(torch.tanh(self.decode_hidden(latent)))
        return reconstructed

    def forward(self, scaled: torch.Tensor) -> torch.Tensor:
        """Reconstruct scaled values from their latents."""
        return self.reconstruct(self.latent(scaled))


def fit_autoencoder(scaled: torch.Tensor, latents: int, epochs: int, seed: int) -> Autoencoder:
    """Train an autoencoder.

    Parameters
    ----------
    scaled : Tensor of float64, shape (n_shots, n_features)
        Standardised values of the training shots, without NaN.
    latents : int
        Number of latents.
    epochs : int
        Passes over the shots, unless MAX_STEPS ends the training earlier.
    seed : int
        Seed of the weights and of the order of the batches; torch's global generator is set to it.

    Returns
    -------
    Autoencoder
        Trained in float32, returned in float64 for evaluation.
    """
    scaled = scaled.float()
    torch.manual_seed(seed)
    model = Autoencoder(scaled.shape[1], latents)
    batches = -(-len(scaled) // BATCH)
    epochs = max(min(epochs, MAX_STEPS // batches), 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-5)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=1e-2, total_steps=epochs)
    for _ in range(epochs):
        for batch in torch.randperm(len(scaled)).split(BATCH):  # type: ignore[no-untyped-call]
            optimiser.zero_grad()
            loss = torch.nn.functional.mse_loss(model(scaled[batch]), scaled[batch])
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        schedule.step()
    # A constant is 0 in every scaled training shot, so its weights are never trained, only decayed. Set to exactly 0,
    # they make sure that a constant that a plant changes affects the reconstruction error alone.
    with torch.no_grad():
        model.encode_hidden.weight[:, (scaled == scaled[0]).all(dim=0)] = 0
    return model.double().eval()
