"""Audio to a token store, by an Apache Beam pipeline that can be killed."""
