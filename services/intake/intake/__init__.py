"""Intake: the one front door, the reporter's status page, and the state desk."""
