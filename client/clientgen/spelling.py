"""Types, parameters and literals as Python spells them."""

from typing import assert_never

from clientgen.annotation import Choice, Either, Generic, Named, Plain, Standard, Type, Unknown
from clientgen.layout import Chain, Group, Piece
from clientgen.parameters import Constant, Member, NotGiven, Parameter


def spelled_parameter(parameter: Parameter, shadowed: frozenset[str]) -> Piece:
    pieces: list[Piece] = [f"{parameter.name}: ", spelled(parameter.type, shadowed)]
    match parameter.default:
        case None:
            pass
        case Constant(value):
            pieces.append(f" = {literal(value)}")
        case Member(enumeration, name):
            pieces.append(f" = {enumeration}.{name}")
        case NotGiven():
            pieces[1:] = [spelled(_or_unset(parameter.type), shadowed), " = UNSET"]
        case Unknown(text):
            raise AssertionError(f"lint lets no default like {text} pass")
        case _:
            assert_never(parameter.default)
    return Chain(pieces)


def _or_unset(node: Type) -> Type:
    members = node.members if isinstance(node, Either) else (node,)
    return Either((*members, Named("Unset")))


def spelled(node: Type, shadowed: frozenset[str]) -> Piece:
    match node:
        case Plain(name):
            return f"builtins.{name}" if name in shadowed else name
        case Named(name) | Standard(name=name):
            return name
        case Choice(values):
            return Group("Literal[", [literal(value) for value in values], "]")
        case Generic(name, arguments):
            opening = f"builtins.{name}[" if name in shadowed else f"{name}["
            return Group(opening, [spelled(argument, shadowed) for argument in arguments], "]")
        case Either(members):
            members = tuple(sorted(members, key=lambda member: member == Plain("None")))
            return Chain([spelled(member, shadowed) for member in members], " | ")
        case Unknown(text):
            raise AssertionError(f"lint lets no annotation like {text} pass")
        case _:
            assert_never(node)


def literal(value: str | int | float | None) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)
