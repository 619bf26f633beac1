"""The conformance check: plays what really happens between Tierline and a vendor against a vendor's endpoint, and grades it."""
