"""Joined sources: helpers of the same name stay apart, what does not fit stays alone."""

import subprocess
from pathlib import Path

import pytest

from stdpnet.engine.compiler import find_compiler
from stdpnet.engine.sources import join_sources

MANY = """#include "objects.h"
namespace {{
    inline int helper() {{ return {value}; }}
    #define VALUE {value}
}}

void _run_{name}()
{{
    using namespace brian;
    total += helper() * VALUE;
}}
"""
ALONE = """#include "objects.h"
static int helper() { return 1000; }
void _run_alone() { brian::total += helper(); }
"""
MAIN = """#include "objects.h"
#include <cstdio>
void _run_a(); void _run_b(); void _run_c(); void _run_alone();
int main() { _run_a(); _run_b(); _run_c(); _run_alone(); std::printf("%d", brian::total); }
"""


@pytest.fixture
def sources(tmp_path) -> Path:
    (tmp_path / "code_objects").mkdir()
    files = {f"code_objects/{name}.cpp": MANY.format(name=name, value=value)
             for name, value in (("a", 2), ("b", 3), ("c", 5))}  # fmt: skip
    files |= {"code_objects/alone.cpp": ALONE, "main.cpp": MAIN}
    files["objects.h"] = "#pragma once\nnamespace brian { extern int total; }\n"
    files["objects.cpp"] = '#include "objects.h"\nint brian::total = 0;\n'
    files["network.cpp"] = "int unused;\n"
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize("n_files", [1, 2, 3])
def test_joined_sources_do_what_the_files_did(sources, n_files):
    compiler = find_compiler()
    if compiler is None:
        pytest.skip("no C++ compiler")
    hot, cold = join_sources(sources, n_files)
    assert [file.name for file in hot] == [
        "alone.cpp",
        *(f"hot_{part}.cpp" for part in range(n_files)),
    ]
    assert [file.name for file in cold] == ["cold.cpp"]
    command = [*compiler.command, "-std=c++17", f"-I{sources}", *hot, *cold]
    subprocess.run([*command, "-o", sources / "main"], check=True)
    found = subprocess.run([sources / "main"], capture_output=True, check=True)
    assert int(found.stdout) == 2 * 2 + 3 * 3 + 5 * 5 + 1000
