"""Bulk: files and frames of any number of points get the codes of their places.

`locate_batch` is the one function that places; `locate_file` feeds it from files and goes on after
a stop; `on_dask` and `on_spark` feed it on many machines from a bundle of the indexes.
"""

from gridsvc.bulk.batch import BulkIndex, locate_batch
from gridsvc.bulk.run import locate_file

__all__ = ["BulkIndex", "locate_batch", "locate_file"]
