"""The processor's way to ask for memory before it is needed, which Numba has no name for."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_READ, _KEEP, _DATA = 0, 3, 1  # what `llvm.prefetch` calls rw, locality and cache type


def _prefetch(_: Any, array: Any, index: Any) -> Any:
    """The signature and the code of `prefetch`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        first = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        pointer = builder.bitcast(builder.gep(first, [arguments[1]]), cgutils.voidptr_t)
        number = cgutils.int32_t
        called = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, number, number, number])
        function = builder.module.declare_intrinsic("llvm.prefetch", [cgutils.voidptr_t], called)
        builder.call(function, [pointer, number(_READ), number(_KEEP), number(_DATA)])
        return context.get_dummy_value()

    return types.void(array, index), generate


#: `prefetch(array, index)`, only in compiled code: have the line of memory with element `index` of
#: a contiguous `array`, counted flat, brought nearer. Nothing waits for it, and an index outside
#: the array does no harm: a prefetch never faults.
prefetch: Any = intrinsic(_prefetch)
