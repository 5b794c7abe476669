"""`vidgen doctor`: what is wrong with an installation, and what to do about it. Changes nothing but a probe file."""
