"""The HTTP side: a WAV goes in, a longer one comes out while it is made."""

from collections.abc import AsyncIterator, Iterator

import anyio
import fastapi
import numpy as np
from anyio import to_thread
from fastapi.responses import JSONResponse, StreamingResponse
from jaxtyping import Float

from audiolm_jax.errors import UserError
from audiolm_jax.serving import line, uploads, wav
from audiolm_jax.serving.model import Model, Wish

Waveform = Float[np.ndarray, ' _']


def router(model: Model) -> fastapi.APIRouter:
  """POST /continue and GET /health of a model."""
  routes = fastapi.APIRouter()

  @routes.get('/health')
  async def health() -> dict[str, str | int]:
    return {
        'status': 'ok',
        'model': model.bundle.fingerprint,
        'sample_rate': model.sample_rate,
        'waiting': len(model.line),
    }

  @routes.post('/continue', response_model=None)
  async def continue_(
      request: fastapi.Request, seconds: float = 7.0, seed: int = 0
  ) -> fastapi.Response:
    try:
      wish = Wish(seconds, seed=seed).check()
    except UserError as error:
      return _refused(422, error)
    try:
      model.line.check()
    except UserError as error:
      return _refused(503, error)
    content = await _body(request)
    if content is None:
      most = f'{uploads.MOST_BYTES >> 20} MB'
      return _refused(413, UserError(f'The body has more than {most}.'))
    try:
      prompt = await to_thread.run_sync(
          uploads.read_bytes, content, model.sample_rate
      )
    except UserError as error:
      return _refused(400, error)
    chunks = _chunks(request, model, prompt, wish)
    return StreamingResponse(chunks, media_type='audio/wav')

  return routes


def _refused(status: int, error: UserError) -> JSONResponse:
  return JSONResponse({'error': str(error)}, status)


async def _body(request: fastapi.Request) -> bytes | None:
  """The body; None as soon as it is too large."""
  content = bytearray()
  async for piece in request.stream():
    content += piece
    if len(content) > uploads.MOST_BYTES:
      return None
  return bytes(content)


async def _chunks(
    request: fastapi.Request, model: Model, prompt: Waveform, wish: Wish
) -> AsyncIterator[bytes]:
  """A WAV in pieces; ends where the client has gone."""
  with model.line.place() as is_first:
    while not is_first():
      if await request.is_disconnected():
        return
      await anyio.sleep(line.POLL_SECONDS)
    yield wav.header(model.sample_rate, model.num_samples(prompt, wish))
    stream = model.stream(prompt, wish)
    while not await request.is_disconnected():
      chunk = await to_thread.run_sync(_next, stream)
      if chunk is None:
        return
      yield wav.samples(chunk).tobytes()


def _next(stream: Iterator[list[Waveform]]) -> Waveform | None:
  """The next chunk of the only row; None at the end."""
  rows = next(stream, None)
  return None if rows is None else rows[0]
