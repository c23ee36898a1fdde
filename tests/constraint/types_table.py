"""Types that pydantic and annotated_types know, with texts that are values of them, or are not."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import enum
import fractions
import ipaddress
import pathlib
import re
import uuid
import warnings
from collections.abc import Callable, Generator, Hashable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, TypedDict

import annotated_types as at
import pydantic
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    RootModel,
    StringConstraints,
    Tag,
    ValidationInfo,
    WrapValidator,
    field_validator,
    model_validator,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pydantic.color import Color
    from pydantic.types import PaymentCardNumber


@dataclasses.dataclass(frozen=True)
class Case:
    """One type.

    Attributes:
        name: of the type, as in the documentation.
        type: itself.
        good: JSON texts that are values of it.
        bad: JSON texts that are none.
        kind: what a value of it is an instance of; ``None``: not told.
        late: whether the plan leaves something of it to the close of its value.
    """

    name: str
    type: Any
    good: tuple[str, ...]
    bad: tuple[str, ...]
    kind: Any = None
    late: bool = False


CASES: list[Case] = []


def case(
    name: str, type_: Any, good: list[str], bad: list[str], kind: Any = None, *, late: bool = False
) -> None:
    """Add a type to the table."""
    CASES.append(Case(name, type_, tuple(good), tuple(bad), kind, late))


# Numbers

case("int", int, ["3", "-12"], ['"3"', "1.5", "true"], int)
case("float", float, ["2", "-1.5"], ['"2"', "NaN", "null"], float)
case("bool", bool, ["true"], ["1", '"true"'], bool)
case("None", None, ["null"], ["0"], type(None))
case("conint", pydantic.conint(gt=1, le=9), ["2", "9"], ["1", "10"], int)
case("confloat", pydantic.confloat(ge=0, lt=1), ["0", "0.5"], ["1", "-0.1"], float)
case("multiple_of", pydantic.conint(multiple_of=7), ["14"], ["15"], int)
case("StrictInt", pydantic.StrictInt, ["3"], ['"3"', "1.5"], int)
case("StrictFloat", pydantic.StrictFloat, ["2.5"], ['"2.5"'], float)
case("StrictBool", pydantic.StrictBool, ["false"], ["0"], bool)
case("PositiveInt", pydantic.PositiveInt, ["1"], ["0", "-1"], int)
case("NegativeInt", pydantic.NegativeInt, ["-1"], ["0"], int)
case("NonPositiveInt", pydantic.NonPositiveInt, ["0"], ["1"], int)
case("NonNegativeInt", pydantic.NonNegativeInt, ["0"], ["-1"], int)
case("PositiveFloat", pydantic.PositiveFloat, ["0.5"], ["0"], float)
case("NegativeFloat", pydantic.NegativeFloat, ["-0.5"], ["0.5"], float)
case("NonPositiveFloat", pydantic.NonPositiveFloat, ["0"], ["0.5"], float)
case("NonNegativeFloat", pydantic.NonNegativeFloat, ["0"], ["-0.5"], float)
case("FiniteFloat", pydantic.FiniteFloat, ["2.5"], ["Infinity", '"x"'], float)
case("Decimal", Decimal, ["2.5", '"1.50"', "-2"], ['"one"', '"1e5"', "true"], Decimal)
case(
    "Decimal(max_digits=5, decimal_places=2)",
    pydantic.condecimal(max_digits=5, decimal_places=2),
    ["2.45", '"999.99"', "-0.1", "0", '"0"', "999"],
    ["2.455", "1000", '"1000"', '"0.001"', '"12345"', '"2.4548e2"'],
    Decimal,
)
case(
    "Decimal(max_digits=3)",
    pydantic.condecimal(max_digits=3),
    ["123", "12.3", '"0.12"', "0.123"],
    ["1234", "1.234", '"1234"', '"0.1234"'],
    Decimal,
)
case(
    "Decimal(decimal_places=2, ge=1)",
    pydantic.condecimal(decimal_places=2, ge=1),
    ["1", '"1.00"', "20.5", '"100.25"'],
    ["0.99", '"0.99"', '"-1"', "1.234", '"1.234"'],
    Decimal,
)
case(
    "Decimal(gt=-1.5, lt=0.25)",
    pydantic.condecimal(gt=Decimal("-1.5"), lt=Decimal("0.25")),
    ["-1.4", '"-1.49"', '"0"', '"0.2"', "0.2"],
    ["-1.5", '"-1.5"', '"0.25"', "0.25", '"3"', '"-2"'],
    Decimal,
)
case(
    "Decimal(multiple_of=0.25)",
    Annotated[Decimal, at.MultipleOf(Decimal("0.25"))],
    ["0.5", '"0.75"'],
    ["0.3", '"0.3"'],
    Decimal,
    late=True,
)
case("Fraction", fractions.Fraction, ['"-3/4"', "0.5"], ['"1/0"', '"a"'], fractions.Fraction)
case("complex", complex, ['"1+2j"', '"-1.5"', '"2j"'], ['"nan"', '"x"', '"1+"'], complex)
case(
    "ByteSize",
    pydantic.ByteSize,
    ["5", '"1.5 GB"', '"10MiB"', '"7"'],
    ["-1", '"5xx"', '"5 bits"', '"kb"'],
    int,
)

# Strings and bytes

case("str", str, ['"a"', '""', '"\\u00e9"'], ["1", "null"], str)
case("StrictStr", pydantic.StrictStr, ['"a"'], ["1"], str)
case("constr(pattern)", pydantic.constr(pattern=r"^\d{3}$"), ['"123"'], ['"12"', '"1234"'], str)
case(
    "constr(pattern of Rust's)",
    Annotated[str, Field(pattern=r"(?x)\A a+ b \z", examples=["aab"])],
    ['"aab"'],
    ['"b"', '" a+ b "'],
    str,
    late=True,
)
case(
    "constr(anchors of Rust's)",
    pydantic.constr(pattern=r"\A(?P<first>[a-c]+)\z"),
    ['"abc"'],
    ['"Aabcz"', '"d"'],
    str,
)
case(
    "constr(length)", pydantic.constr(min_length=2, max_length=3), ['"ab"'], ['"a"', '"abcd"'], str
)
case(
    "StringConstraints(strip_whitespace, to_lower)",
    Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, min_length=2)],
    ['"AB"', '" ab "'],
    ['"a"', '" a "', '"  "'],
    str,
)
case("LowerCase", at.LowerCase[str], ['"ab1"'], ['"Ab"', '"12"'], str, late=True)
case("UpperCase", at.UpperCase[str], ['"AB"'], ['"Ab"'], str, late=True)
case("IsDigit", at.IsDigit[str], ['"12"'], ['"1a"', '""'], str, late=True)
case("IsAscii", at.IsAscii[str], ['"a~"', '""'], ['"é"'], str, late=True)
case("IsFinite", at.IsFinite[float], ["1.5"], ['"x"'], float)
case("IsNotNan", at.IsNotNan[float], ["1.5"], ['"x"'], float)
case("bytes", bytes, ['"é"'], ["1"], bytes)
case("StrictBytes", pydantic.StrictBytes, ['"a"'], ["1"], bytes)
case(
    "conbytes",
    pydantic.conbytes(min_length=2, max_length=3),
    ['"é"', '"abc"'],
    ['"a"', '"éé"'],
    bytes,
    late=True,
)


class Encoded(BaseModel):
    model_config = ConfigDict(val_json_bytes="base64")
    data: bytes


class Hex(BaseModel):
    model_config = ConfigDict(val_json_bytes="hex")
    data: Annotated[bytes, Field(min_length=2, max_length=3)]


case(
    "bytes, val_json_bytes='base64'",
    Encoded,
    ['{"data":"YQ=="}', '{"data":"+w=="}'],
    ['{"data":"YR=="}', '{"data":"a"}'],
    Encoded,
)
case(
    "bytes, val_json_bytes='hex'",
    Hex,
    ['{"data":"6a6B"}'],
    ['{"data":"6"}', '{"data":"6a"}', '{"data":"zzzz"}'],
    Hex,
)
case("Base64Bytes", pydantic.Base64Bytes, ['"YWI="'], ['"YWI"', '"é"'], bytes)
case("Base64Str", pydantic.Base64Str, ['"YWI="', '""'], ['"YWI"', '"/w=="'], str)
case("Base64UrlBytes", pydantic.Base64UrlBytes, ['"-w=="'], ['"+w=="', '"YWI"'], bytes)
case("Base64UrlStr", pydantic.Base64UrlStr, ['"YWI="'], ['"YWI"', '"_w=="'], str)


class Rot13(pydantic.EncoderProtocol):
    @classmethod
    def decode(cls, data: bytes) -> bytes:
        if not data.isalpha():
            raise ValueError("letters only")
        return data.swapcase()

    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return value.swapcase()

    @classmethod
    def get_json_format(cls) -> str:
        return "rot13"


case(
    "EncodedBytes",
    Annotated[bytes, pydantic.EncodedBytes(encoder=Rot13)],
    ['"ab"'],
    ['"a1"', '""'],
    bytes,
    late=True,
)
case("SecretStr", pydantic.SecretStr, ['"x"'], ["1"], pydantic.SecretStr)
case("SecretBytes", pydantic.SecretBytes, ['"x"'], ["1"], pydantic.SecretBytes)
case(
    "Secret[date]",
    pydantic.Secret[datetime.date],
    ['"2024-02-29"'],
    ['"2023-02-29"'],
    pydantic.Secret,
)
case(
    "PaymentCardNumber",
    PaymentCardNumber,
    ['"4242424242424242"'],
    ['"4242424242424241"', '"424242424242"', '"a"'],
    str,
    late=True,
)
case(
    "Color",
    Color,
    ['"red"', '"#0f0"', '"rgb(1, 2, 3)"', '"hsl(120, 50%, 50%)"'],
    ['"reddish"', '"#12345"', '"rgb(256,0,0)"'],
    Color,
)
case("Pattern", re.Pattern, ['"a+"'], ['"("', '"+"'], re.Pattern, late=True)
case("ImportString in a Literal", Literal["math", "json"], ['"math"'], ['"os"'], str)

# Dates and times

case(
    "date",
    datetime.date,
    ['"2024-02-29"'],
    ['"2023-02-29"', '"0000-01-01"', '"today"'],
    datetime.date,
)
case(
    "condate",
    pydantic.condate(gt=datetime.date(2020, 1, 31), le=datetime.date(2021, 3, 1)),
    ['"2020-02-01"', '"2021-03-01"'],
    ['"2020-01-31"', '"2021-03-02"', '"1999-12-31"'],
    datetime.date,
)
case("PastDate", pydantic.PastDate, ['"2020-01-01"'], ['"2999-01-01"'], datetime.date, late=True)
case(
    "FutureDate", pydantic.FutureDate, ['"2999-01-01"'], ['"2020-01-01"'], datetime.date, late=True
)
case(
    "datetime",
    datetime.datetime,
    ['"2024-02-29T12:30:00Z"', '"2024-02-29T12:30:00.5+02:00"'],
    ['"2023-02-29T00:00:00Z"', '"2016-12-31T23:59:60Z"', '"2024-02-29"'],
    datetime.datetime,
)
case(
    "datetime(ge=...)",
    Annotated[datetime.datetime, Field(ge=datetime.datetime(2020, 5, 5, tzinfo=datetime.UTC))],
    ['"2020-05-05T00:00:00Z"', '"2020-05-05T01:00:00+01:00"'],
    ['"2020-05-04T23:59:59Z"', '"1999-01-01T00:00:00Z"'],
    datetime.datetime,
    late=True,
)
case(
    "PastDatetime",
    pydantic.PastDatetime,
    ['"2020-01-01T00:00:00Z"'],
    ['"2999-01-01T00:00:00Z"'],
    datetime.datetime,
    late=True,
)
case(
    "FutureDatetime",
    pydantic.FutureDatetime,
    ['"2999-01-01T00:00:00Z"'],
    ['"2020-01-01T00:00:00Z"'],
    datetime.datetime,
    late=True,
)
case(
    "AwareDatetime",
    pydantic.AwareDatetime,
    ['"2020-01-01T00:00:00Z"'],
    ['"2020-01-01T00:00:00"'],
    datetime.datetime,
)
case(
    "NaiveDatetime",
    pydantic.NaiveDatetime,
    ['"2020-01-01T00:00:00"', '"2020-02-29T23:59:59.5"'],
    ['"2020-01-01T00:00:00Z"', '"2021-02-29T00:00:00"'],
    datetime.datetime,
)
case("time", datetime.time, ['"12:30:00Z"'], ['"24:00:00Z"', '"23:59:60Z"'], datetime.time)
case(
    "time(lt=...)",
    Annotated[datetime.time, Field(lt=datetime.time(12))],
    ['"11:59:59Z"'],
    ['"12:00:00Z"', '"13:00:00Z"'],
    datetime.time,
    late=True,
)
case(
    "timedelta",
    datetime.timedelta,
    ['"P1DT2H"', '"PT90S"'],
    ['"1 day"', '"P9999999999D"', '"P"'],
    datetime.timedelta,
)
case(
    "timedelta(ge=..., le=...)",
    Annotated[
        datetime.timedelta, Field(ge=datetime.timedelta(seconds=3), le=datetime.timedelta(hours=2))
    ],
    ['"PT3S"', '"PT1H"', '"PT2H"'],
    ['"PT2S"', '"P1D"', '"PT3H"', '"PT121M"'],
    datetime.timedelta,
    late=True,
)

# Identifiers and addresses

case("UUID", uuid.UUID, ['"00000000-0000-0000-0000-000000000005"'], ['"5"'], uuid.UUID)
for _version in (1, 3, 4, 5, 6, 7, 8):
    case(
        f"UUID{_version}",
        getattr(pydantic, f"UUID{_version}"),
        [f'"00000000-0000-{_version}000-8000-000000000000"'],
        [
            f'"00000000-0000-{_version}000-0000-000000000000"',
            f'"00000000-0000-{9 - _version}000-8000-000000000000"',
        ],
        uuid.UUID,
    )
case(
    "IPv4Address",
    ipaddress.IPv4Address,
    ['"10.0.0.1"'],
    ['"10.0.0.256"', '"::1"'],
    ipaddress.IPv4Address,
)
case(
    "IPv6Address",
    ipaddress.IPv6Address,
    ['"::1"', '"1:2:3:4:5:6:7:8"'],
    ['"1.2.3.4"', '":::"'],
    ipaddress.IPv6Address,
)
case(
    "IPv4Interface",
    ipaddress.IPv4Interface,
    ['"10.0.0.1/24"'],
    ['"10.0.0.1/33"'],
    ipaddress.IPv4Interface,
)
case(
    "IPv6Interface",
    ipaddress.IPv6Interface,
    ['"fe80::1/64"'],
    ['"fe80::1/129"', '"1.2.3.4/8"'],
    ipaddress.IPv6Interface,
)
case(
    "IPv4Network",
    ipaddress.IPv4Network,
    ['"10.0.0.0/24"', '"10.0.0.1"'],
    ['"10.0.0.1/24"', '"10.0.0.0/40"'],
    ipaddress.IPv4Network,
    late=True,
)
case(
    "IPv6Network",
    ipaddress.IPv6Network,
    ['"fe80::/10"', '"::/0"'],
    ['"fe80::1/10"', '"a"'],
    ipaddress.IPv6Network,
    late=True,
)
case(
    "IPvAnyAddress",
    pydantic.IPvAnyAddress,
    ['"1.2.3.4"', '"::1"'],
    ['", JavaScript,"', '"1.2.3"', "5"],
)
case("IPvAnyInterface", pydantic.IPvAnyInterface, ['"1.2.3.4/24"', '"::1/64"'], ['"1.2.3.4/"'])
case(
    "IPvAnyNetwork", pydantic.IPvAnyNetwork, ['"1.2.3.0/24"', '"::/0"'], ['"1.2.3.4/24"'], late=True
)

_URLS: list[tuple[str, list[str], list[str]]] = [
    (
        "AnyUrl",
        ["a://h", "mailto:a@b.co", "file:///x", "http://u:p@a.co:80/p?q=1#f"],
        ["a", "http://1.2.3.4.5", "http://a.co:99999", "http://", "a://:80"],
    ),
    ("AnyHttpUrl", ["http://a.co", "https://10.0.0.1:8080/x"], ["ftp://a.co", "http://a.1"]),
    ("HttpUrl", ["http://a.co", "https://[::1]:8080/p"], ["ftp://a.co", "http://a b.co", "http:"]),
    ("FileUrl", ["file:///a/b"], ["http://a.co", "file://1.2.3.4.5/x"]),
    ("FtpUrl", ["ftp://a.co/x"], ["http://a.co"]),
    ("AnyWebsocketUrl", ["ws://a.co", "wss://a.co"], ["http://a.co"]),
    ("WebsocketUrl", ["ws://a.co"], ["http://a.co"]),
    (
        "PostgresDsn",
        ["postgres://u:p@a.co:5432/db", "postgresql+asyncpg://a.co,b.co:1/db"],
        ["postgres:///db", "postgres://a.co,,b.co/db", "mysql://a.co"],
    ),
    ("CockroachDsn", ["cockroachdb://u@a.co/db"], ["cockroachdb:///db"]),
    ("AmqpDsn", ["amqp://a.co", "amqps://u:p@a.co/v"], ["http://a.co"]),
    ("RedisDsn", ["redis://a.co:6379/0", "rediss://:pw@a.co"], ["redis://:6379", "http://a.co"]),
    ("MongoDsn", ["mongodb://a.co", "mongodb://a.co:1,b.co:2/db"], ["mongodb://", "http://a.co"]),
    ("KafkaDsn", ["kafka://a.co:9092"], ["http://a.co", "kafka://:80"]),
    ("NatsDsn", ["nats://a.co:4222", "tls://a.co,b.co"], ["http://a.co"]),
    ("MySQLDsn", ["mysql://u@a.co/db"], ["mysql:///db", "postgres://a.co"]),
    ("MariaDBDsn", ["mariadb+pymysql://u@a.co/db"], ["mysql://a.co"]),
    ("ClickHouseDsn", ["clickhouse://a.co:9000/db"], ["http://a.co"]),
    ("SnowflakeDsn", ["snowflake://u:p@a.co/db"], ["snowflake:///db"]),
]
for _name, _good, _bad in _URLS:
    if hasattr(pydantic, _name):
        case(
            _name,
            getattr(pydantic, _name),
            [f'"{each}"' for each in _good],
            [f'"{each}"' for each in _bad],
            getattr(pydantic, _name),
            late=True,
        )

# Paths

case("Path", pathlib.Path, ['"a/b"'], ["1"], pathlib.Path)
case("PurePosixPath", pathlib.PurePosixPath, ['"/a"'], ["1"], pathlib.PurePosixPath)
case(
    "FilePath",
    pydantic.FilePath,
    ['"pyproject.toml"'],
    ['"no/such"', '"."'],
    pathlib.Path,
    late=True,
)
case("DirectoryPath", pydantic.DirectoryPath, ['"."'], ['"no/such"'], pathlib.Path, late=True)
case(
    "NewPath",
    pydantic.NewPath,
    ['"quite-new"'],
    ['"."', '"no/such/folder"'],
    pathlib.Path,
    late=True,
)

# JSON in a string


class Point(BaseModel):
    x: int
    label: str = "a"


class Link(BaseModel):
    next: Link | None = None


case("Json", pydantic.Json, ['"[1, {\\"a\\": null}]"', '"3"'], ['"["', '"x"', "3"])
case("Json[int]", pydantic.Json[int], ['"3"', '"-7"'], ['"1.5"', '"a"', '"\\"3\\""'], int)
case(
    "Json[list[int]]", pydantic.Json[list[int]], ['"[1, 2]"', '"[]"'], ['"[1,]"', '"[true]"'], list
)
case(
    "Json of a model",
    pydantic.Json[Point],
    ['"{\\"x\\": 1}"', '"{\\"x\\": 1, \\"label\\": \\"b\\"}"'],
    ['"{}"', '"{\\"x\\": null}"'],
    Point,
)
case(
    "Json[conint]",
    pydantic.Json[pydantic.conint(ge=3, le=20)],
    ['"7"'],
    ['"2"', '"21"'],
    int,
    late=True,
)
case(
    "Json of a type that holds itself",
    pydantic.Json[Link],
    ['"{\\"next\\": {\\"next\\": null}}"'],
    ['"{\\"next\\": 3}"'],
    Link,
)

# Choices


class Colour(enum.Enum):
    RED = "red"
    BLUE = 3


class Level(enum.IntEnum):
    LOW = 1


class Flags(enum.Flag):
    A = 1
    B = 2


case("Enum", Colour, ['"red"', "3"], ['"blue"', "4"], Colour)
case("IntEnum", Level, ["1"], ["2"], Level)
case("Flag", Flags, ["1", "2"], ["4"], Flags)
case("Literal", Literal["a", 1, None], ['"a"', "1", "null"], ['"b"', "2"])
case("Optional", int | None, ["1", "null"], ['"1"'])
case("Union", int | list[str], ["1", '["a"]'], ['"a"', "[1]"])
case("JsonValue", pydantic.JsonValue, ['{"a": [null]}', "1"], ["NaN", "x"])
case("Any", Any, ['{"a": [null]}'], ["x"])
case("object", object, ['"a"'], ["x"])
case("Hashable", Hashable, ['"a"', "1"], ["[1]", "{}"])

# Collections

case("list", list[int], ["[1]", "[]"], ['["a"]'], list)
case("conlist", pydantic.conlist(int, min_length=1, max_length=2), ["[1]"], ["[]", "[1,2,3]"], list)
case("Sequence", Sequence[int], ["[1]"], ["{}"])
case("Iterable", Iterable[int], ["[1]"], ['["a"]'])
case("Generator", Generator[int, None, None], ["[1]"], ['["a"]'])
case("tuple", tuple[int, str], ['[1, "a"]'], ["[1]"], tuple)
case("tuple, variadic", tuple[int, ...], ["[1, 2]"], ['["a"]'], tuple)
case("set", set[int], ["[1, 2]"], ["[1, 1]"], set)
case("conset", pydantic.conset(int, min_length=2), ["[1, 2]"], ["[1, 1]", "[1]"], set)
case("frozenset", frozenset[str], ['["a"]'], ['["a", "a"]'], frozenset)
case(
    "set[Decimal]",
    Annotated[set[Decimal], Field(min_length=2)],
    ['[1, "2"]'],
    ['[1, "1"]'],
    set,
)
case("deque", collections.deque[int], ["[1]"], ['["a"]'], collections.deque)
case("dict", dict[str, int], ['{"a": 1}'], ['{"a": "b"}'], dict)
case(
    "dict of dates",
    dict[datetime.date, int],
    ['{"2024-02-29": 1}'],
    ['{"2023-02-29": 1}', '{"a": 1}'],
    dict,
)
case(
    "dict of FutureDates",
    dict[pydantic.FutureDate, int],
    ['{"2999-01-01": 1}'],
    ['{"2020-01-01": 1}'],
    dict,
    late=True,
)
case("Mapping", Mapping[str, int], ['{"a": 1}'], ["[]"])
case(
    "defaultdict",
    collections.defaultdict[str, int],
    ['{"a": 1}'],
    ['{"a": null}'],
    collections.defaultdict,
)
case("OrderedDict", collections.OrderedDict[str, int], ['{"a": 1}'], ["[]"], dict)
case("Counter", collections.Counter[str], ['{"a": 1}'], ['{"a": "b"}'], collections.Counter)
case("OnErrorOmit", list[pydantic.OnErrorOmit[int]], ["[1]"], ['["a"]'], list)


class Pair(NamedTuple):
    first: int
    second: pydantic.FutureDate | None = None


class Keyed(TypedDict):
    value: int
    rest: NotRequired[Keyed]


@dataclasses.dataclass
class Branch:
    length: Annotated[float, Field(gt=0)]

    def __post_init__(self) -> None:
        if self.length > 100:
            raise ValueError("too long")


class Numbers(RootModel[list[Annotated[int, Field(ge=0)]]]):
    @model_validator(mode="after")
    def _sum(self) -> Numbers:
        if sum(self.root) % 2:
            raise ValueError("the sum must be even")
        return self


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]
Tagged = Annotated[
    Annotated[Cat, Tag("c")] | Annotated[Dog, Tag("d")],
    Discriminator(lambda value: "c" if "lives" in dict(value) else "d"),
]

case("NamedTuple", Pair, ["[1]", '[1, "2999-01-01"]'], ["[]", '[1, "2020-01-01"]'], Pair, late=True)
case("TypedDict", Keyed, ['{"value": 1, "rest": {"value": 2}}'], ["{}"], dict)
case(
    "dataclass", Branch, ['{"length": 1}'], ['{"length": 0}', '{"length": 101}'], Branch, late=True
)
case("RootModel", Numbers, ["[1, 1]", "[]"], ["[1]", "[-1]"], Numbers, late=True)
case("discriminator", Pet, ['{"kind":"dog"}'], ['{"kind":"cow"}', '{"kind":"cat"}'])
case("Discriminator, Tag", Tagged, ['{"kind":"cat","lives":1}'], ['{"kind":"cat"}'])
case("SerializeAsAny", pydantic.SerializeAsAny[Cat], ['{"kind":"cat","lives":1}'], ["{}"], Cat)
case("InstanceOf of a type that JSON has", pydantic.InstanceOf[int], ["1"], ['"a"'], int)

# Validators of the user


def _even(value: int) -> int:
    if value % 2:
        raise ValueError("must be even")
    return value


def _short(value: Any) -> Any:
    assert len(str(value)) < 4, "must be short"
    return value


def _wrapped(value: Any, handler: Callable[[Any], Any]) -> Any:
    return _short(handler(value))


class Event(BaseModel):
    days: int
    name: str
    extra: list[Annotated[int, AfterValidator(_even)]] = []

    @field_validator("days")
    @classmethod
    def _few(cls, days: int) -> int:
        if not 0 < days < 9:
            raise ValueError("must be a few")
        return days

    @field_validator("name")
    @classmethod
    def _as_long(cls, name: str, info: ValidationInfo) -> str:
        if "days" in info.data and len(name) != info.data["days"]:
            raise ValueError(f"must have {info.data['days']} letters")
        return name


class Range(BaseModel):
    low: int
    high: int

    @model_validator(mode="after")
    def _order(self) -> Range:
        if self.low >= self.high:
            raise ValueError("low must be below high")
        return self


class Before(BaseModel):
    low: int

    @model_validator(mode="before")
    @classmethod
    def _few(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("low") == 3:
            raise ValueError("not 3")
        return data


case(
    "Predicate",
    Annotated[int, at.Predicate(lambda value: value % 3 == 0)],
    ["9"],
    ["10"],
    int,
    late=True,
)
case("Not", Annotated[int, at.Not(lambda value: value > 3)], ["3"], ["4"], int, late=True)
case("AfterValidator", Annotated[int, AfterValidator(_even)], ["4"], ["3"], int, late=True)
case("BeforeValidator", Annotated[int, BeforeValidator(_short)], ["999"], ["1000"], int, late=True)
case(
    "WrapValidator", Annotated[str, WrapValidator(_wrapped)], ['"abc"'], ['"abcd"'], str, late=True
)
case("PlainValidator", Annotated[int, PlainValidator(_short)], ['"a"', "1"], ['"abcd"'], late=True)
case(
    "field_validator",
    Event,
    ['{"days":2,"name":"ab","extra":[2]}'],
    ['{"days":9,"name":"ab"}', '{"days":2,"name":"a"}', '{"days":1,"name":"a","extra":[1]}'],
    Event,
    late=True,
)
case(
    "model_validator(mode='after')",
    Range,
    ['{"low":1,"high":2}'],
    ['{"low":2,"high":1}'],
    Range,
    late=True,
)
case("model_validator(mode='before')", Before, ['{"low":4}'], ['{"low":3}'], Before, late=True)
case(
    "a model in a list in a model",
    dict[str, list[Range]],
    ['{"a":[{"low":1,"high":2}]}'],
    ['{"a":[{"low":1,"high":2},{"low":2,"high":2}]}'],
    dict,
    late=True,
)
case(
    "a union of models with validators",
    Range | Before,
    ['{"low":4}', '{"low":1,"high":2}'],
    ['{"low":3}', '{"low":3,"high":2}'],
    late=True,
)


class Configured(BaseModel):
    model_config = ConfigDict(str_strip_whitespace=True, extra="allow", populate_by_name=True)
    code: Annotated[str, Field(min_length=2, alias="the-code")]


case(
    "alias, extra, str_strip_whitespace",
    Configured,
    ['{"the-code":" ab ","x":1}'],
    ['{"the-code":" a "}', "{}"],
    Configured,
)

REFUSED = [
    Callable[[int], int],
    type,
    type[int],
    range,
    pydantic.ImportString,
    pydantic.InstanceOf[Callable],
    dict[str, pydantic.ImportString],
]
"""Types of which JSON has no values."""
