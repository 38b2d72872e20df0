"""Tests audiolm_jax/serving/routes.py."""

import concurrent.futures
import io
import socket
import threading
import time

import fastapi
import numpy as np
import pytest
import soundfile
import tiny
import uvicorn
from fastapi.testclient import TestClient

from audiolm_jax.serving import routes, uploads


def app(model):
  served = fastapi.FastAPI()
  served.include_router(routes.router(model))
  return served


@pytest.fixture(name='client')
def fixture_client(model):
  with TestClient(app(model)) as client:
    yield client


def wav(waveform, rate=16000):
  content = io.BytesIO()
  soundfile.write(content, waveform, rate, format='WAV')
  return content.getvalue()


GOOD = wav(tiny.noise(1, 1.0)[0])


def test_a_wav_comes_back_longer_and_says_how_long_it_is(client, model):
  reply = client.post('/continue?seconds=0.2&seed=3', content=GOOD)
  assert reply.status_code == 200
  assert reply.headers['content-type'] == 'audio/wav'
  # The header came first: soundfile would find less than it tells, or more.
  waveform, rate = soundfile.read(io.BytesIO(reply.content))
  assert rate == model.sample_rate
  assert len(waveform) == round(1.2 * rate)
  assert len(reply.content) == 44 + 2 * len(waveform)
  assert np.abs(waveform).max() > 0


def test_the_seed_decides(client):
  def ask(seed):
    return client.post(f'/continue?seconds=0.2&seed={seed}', content=GOOD)

  assert ask(1).content == ask(1).content != ask(2).content


@pytest.mark.parametrize(
    ('content', 'said'),
    [
        (b'no sound at all', 'The body'),
        (b'', 'The body'),
        (GOOD[:40], 'The body'),
        (wav(np.zeros(16000)), 'silent'),
        (wav(tiny.noise(1, 0.1)[0]), 'at least 0.5 s'),
        (wav(np.tile(tiny.noise(1, 1.0)[0], 61)), 'more than 60 s'),
    ],
)
def test_what_cannot_be_continued_is_refused_in_one_line(client, content, said):
  reply = client.post('/continue?seconds=0.2', content=content)
  assert reply.status_code == 400
  assert list(reply.json()) == ['error']
  assert said in reply.json()['error']
  assert '\n' not in reply.json()['error']
  assert '/tmp' not in reply.json()['error']


@pytest.mark.parametrize(
    'query', ['seconds=0', 'seconds=1000', 'seconds=nan', 'seed=-1', 'seed=x']
)
def test_a_wish_out_of_bounds_is_refused(client, query):
  assert client.post(f'/continue?{query}', content=GOOD).status_code == 422


def test_a_body_that_is_too_large_is_not_read_to_its_end(client, monkeypatch):
  monkeypatch.setattr(uploads, 'MOST_BYTES', 1000)
  reply = client.post('/continue?seconds=0.2', content=GOOD)
  assert reply.status_code == 413


def test_its_health_says_which_model_it_has(client, model):
  reply = client.get('/health').json()
  assert reply['status'] == 'ok'
  assert reply['model'] == model.bundle.fingerprint
  assert reply['waiting'] == 0


def test_two_at_once_both_get_what_they_would_get_alone(client):
  def ask(seed):
    return client.post(f'/continue?seconds=0.2&seed={seed}', content=GOOD)

  alone = [ask(seed).content for seed in (1, 2)]
  with concurrent.futures.ThreadPoolExecutor(2) as pool:
    together = [reply.content for reply in pool.map(ask, (1, 2))]
  assert together == alone


def test_who_would_be_one_too_many_is_told_so(client, model, monkeypatch):
  monkeypatch.setattr(model.line, '_longest', 1)
  with model.line.place():
    reply = client.post('/continue?seconds=0.2', content=GOOD)
  assert reply.status_code == 503
  assert 'later' in reply.json()['error']


@pytest.fixture(name='endless')
def fixture_endless(model, monkeypatch):
  """Port of a server whose continuations never end."""

  def stream(prompt, wish):
    while True:
      time.sleep(0.02)
      yield [np.zeros(1000, np.float32)]

  monkeypatch.setattr(model, 'stream', stream)
  server = uvicorn.Server(uvicorn.Config(app(model), port=0, log_level='error'))
  thread = threading.Thread(target=server.run)
  thread.start()
  while not server.started:
    time.sleep(0.01)
  yield server.servers[0].sockets[0].getsockname()[1]
  server.should_exit = server.force_exit = True
  thread.join()


def ask_on(port):
  """A socket that has asked, and does not read on."""
  connection = socket.create_connection(('127.0.0.1', port))
  head = f'POST /continue HTTP/1.1\r\nHost: x\r\nContent-Length: {len(GOOD)}'
  connection.sendall(f'{head}\r\n\r\n'.encode() + GOOD)
  return connection


def wait_for(condition):
  end = time.monotonic() + 20
  while not condition():
    assert time.monotonic() < end
    time.sleep(0.01)


def test_who_disconnects_gives_the_turn_to_the_next(model, endless):
  first = ask_on(endless)
  assert first.recv(15) == b'HTTP/1.1 200 OK'
  wait_for(lambda: len(model.line) == 1)
  second = ask_on(endless)
  wait_for(lambda: len(model.line) == 2)
  first.close()
  wait_for(lambda: len(model.line) == 1)
  assert second.recv(15) == b'HTTP/1.1 200 OK'
  second.close()
  wait_for(lambda: not len(model.line))


def test_who_disconnects_while_waiting_leaves_the_line(model, endless):
  with model.line.place():
    waiting = ask_on(endless)
    wait_for(lambda: len(model.line) == 2)
    waiting.close()
    wait_for(lambda: len(model.line) == 1)
