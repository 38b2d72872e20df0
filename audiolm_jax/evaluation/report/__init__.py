"""The report: tables and pictures as files and as a page."""
