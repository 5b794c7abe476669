"""How the whole service is: who works, whether it is ready, and its figures."""
