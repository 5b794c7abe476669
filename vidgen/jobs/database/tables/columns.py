"""Types of columns that several tables have."""

from typing import Any

from sqlalchemy import JSON, BigInteger, Integer

AnyJson = dict[str, Any]
NullableJson = JSON(none_as_null=True)
# SQLite only numbers rows by itself when the key is exactly INTEGER
RowNumber = BigInteger().with_variant(Integer(), "sqlite")
