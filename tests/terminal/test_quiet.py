import os

from terminal.quiet import without_remarks


def test_errors_pass_and_remarks_do_not(capfd):
    with without_remarks():
        os.write(2, b"I0000 00:00:17 port.cc:153] oneDNN custom operations are on.\n")
        os.write(2, b"E0000 00:00:17 cuda_platform.cc:52] failed call to cuInit: UNKNOWN ERROR (303)\n")
        os.write(2, b"E0000 00:00:17 something is really wrong\n")
    assert capfd.readouterr().err == "E0000 00:00:17 something is really wrong\n"


def test_what_was_held_is_shown_when_the_start_fails(capfd):
    try:
        with without_remarks():
            os.write(2, b"libfoo.so: cannot open shared object file\n")
            raise ImportError
    except ImportError:
        pass
    assert "libfoo.so" in capfd.readouterr().err
