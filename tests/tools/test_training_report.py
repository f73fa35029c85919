from tools.training_report import Options, main


def test_what_is_no_training_is_one_line_and_status_1(tmp_path, capsys):
    assert main([f"--train_dir={tmp_path / 'nowhere'}"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("training_report: error: Checkpoint folder")
    assert len(said.splitlines()) == 1


def test_flags_reach_thresholds_and_report(tmp_path, monkeypatch, capsys):
    called = []

    def act(folder, dataset_dir, say):
        called.append(Options(folder, dataset_dir))
        return folder / "report.html"

    monkeypatch.setattr("engine.training.train.write_thresholds", act)
    monkeypatch.setattr("engine.reports.training.write_training_report", act)
    assert main([f"--train_dir={tmp_path}", f"--dataset_dir={tmp_path / 'data'}"]) == 0
    assert called == 2 * [Options(tmp_path, tmp_path / "data")]
    assert "report.html" in capsys.readouterr().out
