"""Every reader and loader gives the answer of an independent parser, or an error of the project that names the file."""

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reliability.fuzz import SECONDS_TO_PREPARE, SUBJECTS
from reliability.trial import OTHER, attempt

briefly = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("reader", SUBJECTS)
@briefly
@given(seed=st.integers(0, 2**32 - 1))
def test_a_damaged_file_is_read_right_or_refused_by_name(reader, seed, tmp_path):
    case = SUBJECTS[reader].case(Random(seed))
    outcome = attempt(case, tmp_path, most_seconds=SECONDS_TO_PREPARE)
    assert outcome.verdict != OTHER, f"{outcome.fault}\n{outcome.detail}"
