"""Text as editors of other systems write it."""

import codecs

# Marks that editors put in front of a text; UTF-32's begins like UTF-16's.
_MARKS = {
    codecs.BOM_UTF8: 'utf-8-sig',
    codecs.BOM_UTF32_LE: 'utf-32',
    codecs.BOM_UTF32_BE: 'utf-32',
    codecs.BOM_UTF16_LE: 'utf-16',
    codecs.BOM_UTF16_BE: 'utf-16',
}


def decoded(content: bytes) -> str:
  """UTF-8, or what the mark in front says that it is."""
  for mark, encoding in _MARKS.items():
    if content.startswith(mark):
      return content.decode(encoding)
  return content.decode('utf-8')
