"""SoundStorm: all acoustic levels of all frames in a few passes."""
