"""Templates and what they make: Velocity 1.7's user guide as a table."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.vtl import JsonList, LimitExceeded, Limits, Object, Template, VtlError


def render(template: str, **variables: Any) -> str:
    return Template(template).render(variables).text


REFERENCES = [
    ("$x ${x}y $!x $!{x}", "1 1y 1 1"),
    ("$none $!none ${none} $!{none}.", "$none  ${none} ."),
    ("$m.a.b $m.a.c $!m.a.c|", "7 $m.a.c |"),
    ("$l[0] $l[-1] $m['a'].b $m.get('a').get(\"b\")", "a c 7 7"),
    ("$x. $x.. $5.00 $ # #1 a$", "1. 1.. $5.00 $ # #1 a$"),
    ("$x-y $under_score", "$x-y u"),
    (r"\$x \\$x \$none \$!none", r"$x \1 \$none \$!none"),
    ("$m.a", "{b=7}"),
    ("$l $j $f $t", '[a, b, c] [{"k":1},null] 1.5 true'),
    ("$o.name $o.greet('you') $o.none $o.getName() $o", "kumoi hi you $o.none kumoi an object"),
    ("$x.class.forName('os') $x.__class__ $o.__init__", "$x.class.forName('os') 1.__class__ an object.__init__"),
]


@pytest.mark.parametrize(("template", "made"), REFERENCES)
def test_references(template: str, made: str) -> None:
    thing = Object({"name": "kumoi"}, {"greet": lambda whom: f"hi {whom}"}, "an object")
    variables = {"x": 1, "m": {"a": {"b": 7}}, "l": ["a", "b", "c"], "f": 1.5, "t": True, "o": thing}
    assert render(template, **variables, under_score="u", j=JsonList([{"k": 1}, None])) == made


DIRECTIVES = [
    ("${x[1+}" * 70 + "#set($x = 1)$x", "${x[1+}" * 70 + "1"),
    ("#m([1,)" * 70 + "#set($x = 1)$x", "#m([1,)" * 70 + "1"),
    ("#set($a = 1)$a", "1"),
    ("a \t#set($a = 1)  \nb", "ab"),
    ("#set($a = $none)$!a.", "."),
    ("#set($a = 1)#set($a = $none)$a", "1"),
    ("#set($a = {})#set($a.b = 2)#set($a['c d'] = 3)$a", "{b=2, c d=3}"),
    ("#set($a = [1, 2])#set($a[1] = 'x')$a", "[1, x]"),
    ("#if($none)a#elseif(0 == 0.0)b#{else}c#end", "b"),
    ("#if(false)a#{else}b#end#if('')c#end", "bc"),
    ("#if(true)\n  x\n#else\n  y\n#end\nz", "  x\nz"),
    ("#foreach($i in [3..1])$i#if($foreach.hasNext), #end#end", "3, 2, 1"),
    ("#foreach($i in {'a': 1, 'b': 2})$i$velocityCount$foreach.index;#end$!i", "110;221;"),
    ("#foreach($i in $none)x#end.", "."),
    ("#set($i = 9)#foreach($i in [1])$i#end$i", "19"),
    ("#foreach($i in [1..9])#if($i == 3)#break#end$i#end.", "12."),
    ("#foreach($i in [1..2])#foreach($k in [1..2])$foreach.parent.index$foreach.index #end#end", "00 01 10 11 "),
    ("a#stop b", "a"),
    ("#macro(m $a $b)<$a|$!b>#end#m(1 'x')#m(2, 'y')#m(3)", "<1|x><2|y><3|>"),
    ("#macro(m)[$bodyContent]#end#@m()x$a#end", "[x$a]"),
    ("#m(1) #unknown #macro(m $a)-$a#end#m(2)", "-1 #unknown -2"),
    ("#define($d)<$x>#end#set($x = 2)$d", "<2>"),
    ("#set($t = '$x!')#set($x = 5)#evaluate($t)", "5!"),
    ("#[[ $x #if ]]# a## gone\nb#* gone *#c", " $x #if  abc"),
    (r"\#if \\#if(true)y#end \#nothing", r"#if \y \#nothing"),
    ('#set($a = "$x-#if(true)b#end")$a', "$x-b"),
    ("#set($x = 1)#set($a = '$x')$a", "$x"),
    ("#define($l)#foreach($k in $m.keySet())$k;#end#end#set($m = {'a': 1})$l#set($m = {'b': 1})$l", "a;b;"),
]


@pytest.mark.parametrize(("template", "made"), DIRECTIVES)
def test_directives(template: str, made: str) -> None:
    assert render(template) == made


EXPRESSIONS = [
    ("1 + 2 * 3", "7"),
    ("(1 + 2) * 3", "9"),
    ("7 / 2", "3"),
    ("-7 / 2", "-3"),
    ("-7 % 3", "-1"),
    ("7 / 2.0", "3.5"),
    ("1 / 0", "none"),
    ("'a' + 1 + 2", "a12"),
    ("1 + 2 + 'a'", "3a"),
    ("1 + [2]", "none"),
    ("1 == 1.0", "true"),
    ("'1' == 1", "true"),
    ("$none == $nil", "true"),
    ("1 < 2 && 2 <= 2 and !(3 gt 4)", "true"),
    ("'a' < 'b'", "false"),
    ("false || 'x' eq 'x'", "true"),
    ("1 ne 2", "true"),
    ("not true", "false"),
    ("1.0E10", "1.0E10"),
    ("100000.0 * 10", "1000000.0"),
    ("100000.0 * 100", "1.0E7"),
    ("0.0001", "1.0E-4"),
    ("2 -1", "1"),
]


@pytest.mark.parametrize(("expression", "made"), EXPRESSIONS)
def test_expressions(expression: str, made: str) -> None:
    assert render(f"#set($found = {expression})#if($found == $none)none#else$found#end") == made


METHODS = [
    ("$s.length() $s.substring(1) $s.substring(1,3) $s.indexOf('l') $s.charAt(0)", "5 ello el 2 h"),
    (
        "$s.replace('l','L') $s.replaceAll('[eo]','<$0>') $s.toUpperCase() $s.contains('ell')",
        "heLLo h<e>ll<o> HELLO true",
    ),
    (
        "$s.split('l') $s.split('l').size() $s.isEmpty() $s.matches('h.*o') $s.equals('hello')",
        "[he, , o] 3 false true true",
    ),
    ("$l.size() $l.get(0) $l.contains('b') $l.indexOf('b') $l.isEmpty() $l.subList(0,1)", "2 a true 1 false [a]"),
    ("$l.add('c')$l.remove(0)$l", "truea[b, c]"),
    ("$!m.put('c', 3)$m.keySet() $m.values() $m.containsKey('a') $m.size()", "[a, b, c] [1, 2, 3] true 3"),
    ("#foreach($e in $m.entrySet())$e.key=$e.getValue() #end", "a=1 b=2 "),
    ("$m.getOrDefault('z', 9) $!m.remove('a') $m", "9 1 {b=2}"),
    ("$n.intValue() $n.parseInt('42') $n.toString().length()", "7 42 1"),
    ("$s.none() $s.substring('x') $l.get('x')", "$s.none() $s.substring('x') $l.get('x')"),
    ("$s.hashCode()", "99162322"),
    (r'#set($u = "\u0041\ud83d\ude00\ud83d")$u $u.hashCode()', "A\U0001f600\ufffd 56961817"),
]


@pytest.mark.parametrize(("template", "made"), METHODS)
def test_methods(template: str, made: str) -> None:
    assert render(template, s="hello", l=["a", "b"], m={"a": 1, "b": 2}, n=7) == made


@pytest.mark.parametrize(
    "template",
    [
        "#if(true)",
        "#end",
        "#set($a = )",
        "#foreach($i in)x#end",
        "$a.b(",
        "#set(a = 1)",
        "#macro()#end",
        "#include('/etc/passwd')",
        "#set($a = 'x)",
        "${a.b(",
    ],
)
def test_what_is_no_template_is_refused_with_its_place(template: str) -> None:
    with pytest.raises(VtlError, match="line 1, column"):
        Template(template)


@pytest.mark.parametrize(
    "template",
    ["$s.substring(9)", "$l.get(5)", "$l[5]", "$s.replaceAll('(', 'x')", "#set($x = 1e999)$x.intValue()", "$o.half()"],
)
def test_what_java_throws_is_an_error(template: str) -> None:
    with pytest.raises(VtlError):
        render(template, s="abc", l=[1], o=Object(methods={"half": lambda: "\ud800".encode()}))


TWICE = "#set($l = [])#set($k = [])#foreach($i in [1..60])#set($l = [$l, $l])#set($k = [$k, $k])#end"
"""Lists that hold one another 2 to the power of 60 times."""


@pytest.mark.parametrize(
    "template",
    [
        '#set($s = "ab")#foreach($i in [1..100])#set($s = "$s$s")#end',
        "#set($s = 'ab')#foreach($i in [1..100])#set($s = $s.concat($s))#end",
        "#set($s = 'ab')#foreach($i in [1..100])#set($s = $s.replace('a', 'aaaaaaaaaaaaaaaa'))#end",
        "#foreach($i in [1..1000])#foreach($j in [1..1000])x#end#end",
        "#macro(a)#a()#end#a()",
        "#set($l = [1])#foreach($i in [1..100])$!l.addAll($l)#end",
        "#set($l = [1])#foreach($i in [1..100])#set($l = [$l, $l])#end$l",
        "#set($n = 3)#foreach($i in [1..100])#set($n = $n * $n)#end",
        "#set($t = '#evaluate($t)')#evaluate($t)",
        "#foreach($i in [1..1001])x#end",
        "#set($r = [1..999999999])",
        f"{TWICE}#if($l == $k)x#end",
        f"{TWICE}#if($l != $k)x#end",
        f"{TWICE}$l.equals($k)",
        f"{TWICE}$l.hashCode()",
        f"{TWICE}$l.contains($k)",
        f"{TWICE}#set($m = {{'a': $l}})$m.containsValue($k)",
        f"{TWICE}#set($m = {{}})#set($m[$l] = 1)",
        f"{TWICE}#set($m = {{}})$m.get($l)",
        f"{TWICE}#set($m = {{$l: 1}})",
        f"{TWICE}$!j.add($l)$j",
        f"{TWICE}#set($s = 'a' + $l)",
        f"{TWICE}#evaluate($l)",
        f"{TWICE}$o.tell($l)",
        "$o.much()",
        "#set($l = [1..100000])$l.removeAll([200000..300000])",
        '#set($l = [1..100000])#foreach($i in [1..100])#set($s = "$l")#end',
    ],
)
def test_what_takes_too_much_is_stopped(template: str) -> None:
    host = Object(methods={"tell": str, "much": lambda: [0] * 10_000_000})
    limits = Limits(steps=20_000) if template.startswith(TWICE) else Limits()  # what has no end is not let go as far
    with pytest.raises(LimitExceeded):
        Template(template).render({"o": host, "j": JsonList()}, limits)


def test_a_pattern_that_takes_forever_is_stopped() -> None:
    with pytest.raises(VtlError, match="takes longer"):
        render("$s.matches('(a|aa)+(b|c)+d')", s="a" * 60 + "b" * 60)


def test_output_has_a_limit() -> None:
    with pytest.raises(LimitExceeded):
        Template("$x$x$x").render({"x": "abcd"}, Limits(output=11))


def test_a_template_may_return() -> None:
    found = Template("a#if(true)#return({'b': 1})#end c").render({})
    assert (found.text, found.returned, found.value) == ("a", True, {"b": 1})


@settings(max_examples=150)
@given(st.text("$#!{}()[]\"'\\.ab1 +-=ifelsndt\n", max_size=40))
def test_no_text_breaks_the_reader(text: str) -> None:
    with contextlib.suppress(VtlError):
        Template(text).render({"a": "x", "b": [1, {"c": None}]})
