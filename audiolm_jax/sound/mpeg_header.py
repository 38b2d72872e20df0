"""Headers of MPEG audio frames, and the frame that tells how many there are."""

from typing import NamedTuple

_KBITS = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {0: (11025, 12000, 8000), 2: (22050, 24000, 16000)}
_RATES[3] = (44100, 48000, 32000)
_SAMPLES = {(1, 1): 384, (1, 2): 1152, (1, 3): 1152}
_SAMPLES |= {(2, 1): 384, (2, 2): 1152, (2, 3): 576}
_TAG = 16  # 'Xing', flags, number of frames, number of bytes.


class Kind(NamedTuple):
  """The properties that all frames of a stream share.

  Attributes:
    version: The two bits of the header: 3 is MPEG 1, 2 is MPEG 2, 0 is 2.5.
    layer: 1, 2 or 3.
    rate: Hz.
    channels: 1 or 2.
  """

  version: int
  layer: int
  rate: int
  channels: int

  @property
  def samples(self) -> int:
    """Samples of a frame."""
    return _SAMPLES[self._table]

  @property
  def tag_offset(self) -> int:
    """Offset of the tag in a frame of layer 3: behind empty side info."""
    if self.version == 3:
      return 36 if self.channels == 2 else 21
    return 21 if self.channels == 2 else 13

  @property
  def _table(self) -> tuple[int, int]:
    return (1 if self.version == 3 else 2), self.layer

  def length(self, bitrate: int, padding: int) -> int:
    """Bytes of a frame whose header has this index of a bit rate."""
    bits = 1000 * _KBITS[self._table][bitrate - 1]
    if self.layer == 1:
      return (12 * bits // self.rate + padding) * 4
    return self.samples // 8 * bits // self.rate + padding


class Frame(NamedTuple):
  """A frame of a stream and its length in bytes."""

  kind: Kind
  length: int


def parse(head: bytes) -> Frame | None:
  """Reads the four bytes of a header; None if they are none.

  Frames of a free bit rate do not tell their length and are not known here.
  """
  if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
    return None
  version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
  bitrate, rate = head[2] >> 4, head[2] >> 2 & 3
  if version == 1 or layer == 4 or bitrate in (0, 15) or rate == 3:
    return None
  channels = 1 if head[3] >> 6 == 3 else 2
  kind = Kind(version, layer, _RATES[version][rate], channels)
  return Frame(kind, kind.length(bitrate, head[2] >> 1 & 1))


def is_tag(frame: bytes, kind: Kind) -> bool:
  """Returns whether a frame is a tag (Xing, Info, VBRI) without sound."""
  at = kind.tag_offset
  return kind.layer == 3 and (
      frame[at : at + 4] in (b'Xing', b'Info') or frame[36:40] == b'VBRI'
  )


def counted(frame: bytes, kind: Kind) -> int | None:
  """The number of frames that a tag tells, if it does."""
  tag = frame[kind.tag_offset :]
  if tag[:4] == b'VBRI' or frame[36:40] == b'VBRI':
    return int.from_bytes(frame[50:54], 'big')
  return int.from_bytes(tag[8:12], 'big') if tag[7:8] and tag[7] & 1 else None


def tag_frame(head: bytes, kind: Kind, frames: int, size: int) -> bytes:
  """A frame that tells how many follow, for a stream that has none.

  Args:
    head: The header of the first frame.
    kind: Kind of the stream.
    frames: Number of frames that follow.
    size: Their bytes.
  """
  at = kind.tag_offset
  bitrate = next(i for i in range(1, 15) if kind.length(i, 0) >= at + _TAG)
  # No checksum, no padding.
  head = bytes([head[0], head[1] | 1, bitrate << 4 | head[2] & 0x0C, head[3]])
  length = kind.length(bitrate, 0)
  tag = b'Xing' + (3).to_bytes(4, 'big') + frames.to_bytes(4, 'big')
  tag += min(size + length, 0xFFFFFFFF).to_bytes(4, 'big')
  return (head + bytes(at - 4) + tag).ljust(length, b'\0')


def corrected(frame: bytes, kind: Kind, frames: int, size: int) -> bytes | None:
  """A stream's own tag with right counts; None if it has none of ours.

  What LAME tells of silence added in front stays; behind a cut there is none.
  """
  at = kind.tag_offset
  if frame[at : at + 4] not in (b'Xing', b'Info') or frame[at + 7] & 3 != 3:
    return None
  total = min(size + len(frame), 0xFFFFFFFF)
  counts = frames.to_bytes(4, 'big') + total.to_bytes(4, 'big')
  wrong = counted(frame, kind) != frames
  frame = frame[: at + 8] + counts + frame[at + 16 :]
  padding = at + 8 + 4 + 4 + 100 + 4 + 21
  if wrong and frame[at + 7] & 15 == 15 and len(frame) > padding + 3:
    kept = frame[padding + 1] & 0xF0
    frame = frame[: padding + 1] + bytes([kept, 0]) + frame[padding + 3 :]
  return frame


def syncsafe(size: bytes) -> int:
  """The size of an ID3 tag: seven bits a byte."""
  return sum((byte & 0x7F) << 7 * (3 - i) for i, byte in enumerate(size))
