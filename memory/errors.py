"""What can go wrong with memory, named by what the reader can do about it.

MemoryFault
 ├── NotFound          the thing is not there (or is somebody else's)
 ├── Conflict          it changed meanwhile: read again, then try again
 ├── LimitReached      it does not fit: shorten it, or put it elsewhere
 ├── ReadOnly          this block may not be edited
 ├── NotYours          it is about somebody else, who may change it
 ├── BadInput          the caller gave something that cannot be used
 ├── EmbeddingFault    texts get no vectors: searches stay by words until they do
 │    └── IndexBehind  a large index is being opened or built: ask again in a moment
 └── StorageFault      the disk or the database refuses
      ├── HomeBusy     another process has this home open
      └── NewerDatabase  a newer Reverie wrote it
"""


class MemoryFault(Exception):
    """Memory could not do it."""

    def __str__(self) -> str:
        return super().__str__() or (type(self).__doc__ or "")


class NotFound(MemoryFault):
    """There is no such thing."""


class Conflict(MemoryFault):
    """It was changed by somebody else meanwhile. Look at it again and repeat the change."""


class LimitReached(MemoryFault):
    """It does not fit within the limit."""


class ReadOnly(MemoryFault):
    """This block is read-only."""


class NotYours(MemoryFault):
    """This is about somebody else. Only they, or an admin, can change it."""


class BadInput(MemoryFault):
    """This input cannot be used."""


class EmbeddingFault(MemoryFault):
    """The embedder gives no usable vectors. Searches go by words meanwhile."""


class IndexBehind(EmbeddingFault):
    """The index of meaning is being built. Searches go by words meanwhile."""


class StorageFault(MemoryFault):
    """The storage refuses. Check that the disk has room and that the home is writable."""


class HomeBusy(StorageFault):
    """Another Reverie process is using this home. Stop it first, or choose another REVERIE_HOME."""


class NewerDatabase(StorageFault):
    """This database was written by a newer version of Reverie. Update Reverie, then try again."""
