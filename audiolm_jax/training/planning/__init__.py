"""Runs planned without the devices that they need."""
