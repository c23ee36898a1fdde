import gc
import threading
import weakref

from condit.constraint.regex import regex
from condit.constraint.spelling import Spelling
from condit.vocabulary import Vocabulary


def test_a_vocabulary_is_spelled_once_from_any_thread():
    vocabulary = Vocabulary.of(["a", "b", "ab"])
    seen = []
    threads = [
        threading.Thread(target=lambda: seen.append(Spelling.of(vocabulary))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(spelling) for spelling in seen}) == 1
    assert seen[0].single_bytes == frozenset(b"ab")
    assert seen[0].first_bytes.tolist() == [97, 98, 97, 0]
    assert seen[0].text_mask.tolist() == [0b0111]


def test_a_spelling_dies_with_its_vocabulary():
    vocabulary = Vocabulary.of(["a", "b"])
    regex("ab").bind(vocabulary)
    gone = weakref.ref(vocabulary)
    del vocabulary
    gc.collect()
    assert gone() is None
