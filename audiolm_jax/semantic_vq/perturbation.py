"""The same words by another voice, roughly: spectra warped and tilted."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

# Deviations of the smooth curves that are added to log spectra, gentlest bend
# last: what microphones and rooms do.
_CURVES = (0.5, 0.25, 0.2, 0.15)


def perturb(
    key: PRNGKeyArray, spectra: Float[Array, 'B T F'], warp: float
) -> Float[Array, 'B T F']:
  """Stretches frequency and bends the spectrum, each row in its own way.

  Args:
    key: Key of all draws.
    spectra: Log powers.
    warp: Largest logarithm of the factor that frequencies are divided by, as
      by the length of a vocal tract; 0 leaves the spectra as they are.
  """
  if not warp:
    return spectra
  stretch_key, curve_key = jax.random.split(key)
  num_rows, _, num_bins = spectra.shape
  factors = jnp.exp(
      warp * jax.random.uniform(stretch_key, (num_rows,), minval=-1.0)
  )
  stretched = jax.vmap(_stretch)(spectra, factors)
  draws = jax.random.normal(curve_key, (num_rows, len(_CURVES)))
  return stretched + (draws @ _curves(num_bins))[:, None]


def _stretch(
    spectra: Float[Array, 'T F'], factor: Float[Array, '']
) -> Float[Array, 'T F']:
  """Each bin gets what was at `factor` times its frequency."""
  last = spectra.shape[1] - 1
  # Just short of the last bin, so that there is one above to mix with.
  places = jnp.clip(jnp.arange(last + 1) * factor, 0.0, last - 1e-3)
  lower = places.astype(jnp.int32)
  share = (places - lower)[None]
  return spectra[:, lower] * (1 - share) + spectra[:, lower + 1] * share


def _curves(num_bins: int) -> Float[np.ndarray, 'C F']:
  """A tilt, and cosines of two to four half waves."""
  places = np.arange(num_bins) / (num_bins - 1)
  waves = [places - 0.5, *(np.cos(np.pi * n * places) for n in (2, 3, 4))]
  scaled = np.array(_CURVES)[:, None] * np.stack(waves)
  return scaled.astype(np.float32)
