"""Busy machines are slow: no property has to hold within milliseconds."""

import hypothesis

hypothesis.settings.register_profile('patient', deadline=None)
hypothesis.settings.load_profile('patient')
