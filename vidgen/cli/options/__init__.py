"""Options of `vidgen render` by subject: each module declares them and makes fields of a spec from them."""
