"""Networks: our own, and what makes library networks quick and streamable. Everything here needs torch."""
