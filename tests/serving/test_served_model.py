import shutil
import threading

import pytest
import tensorflow as tf

from tests.serving.conftest import A_WHILE, RunningEndpoint, wait_until


def states(endpoint):
    found = endpoint.rest.get("/v1/models/tiny").json()["model_version_status"]
    return {status["version"]: status["state"] for status in found}


def said(endpoint, which=""):
    answer = endpoint.predict({"instances": ["ok"]}, which=which)
    assert answer.status_code == 200, answer.text
    return answer.json()["predictions"][0]["caption"]


def test_a_new_version_replaces_the_old_one_without_a_failure(
    tiny_folder, tiny_versions
):
    captions, going = [], True

    def ask(endpoint):
        while going:
            captions.append(said(endpoint))

    with RunningEndpoint({"tiny": tiny_folder}) as endpoint:
        clients = [threading.Thread(target=ask, args=[endpoint]) for _ in range(4)]
        for client in clients:
            client.start()
        wait_until(lambda: captions)
        shutil.copytree(tiny_versions / "2", tiny_folder / "2")
        wait_until(lambda: captions[-1] == "v2:ok")
        going = False
        for client in clients:
            client.join(30)
        # A client that fails stops counting.
        assert set(captions) == {"v1:ok", "v2:ok"}
        wait_until(lambda: states(endpoint) == {"1": "END", "2": "AVAILABLE"})
        for result in ("INVALID_ARGUMENT", "NOT_FOUND", "INTERNAL", "UNAVAILABLE"):
            counted = f'mmkeras_serving_requests_total{{code="{result}"'
            assert endpoint.metric(counted) == 0


def test_the_old_version_answers_its_pending_requests(tiny_folder, tiny_versions):
    with RunningEndpoint({"tiny": tiny_folder}) as endpoint:
        answers = []

        def ask():
            slow = {"signature_name": "slow", "instances": [A_WHILE]}
            answers.append(endpoint.predict(slow).json())

        client = threading.Thread(target=ask)
        client.start()
        shutil.copytree(tiny_versions / "2", tiny_folder / "2")
        wait_until(lambda: states(endpoint).get("2") == "AVAILABLE")
        client.join(30)
        assert answers == [{"predictions": [A_WHILE]}]
        wait_until(lambda: states(endpoint)["1"] == "END")


def test_a_half_written_version_is_not_loaded(tiny_folder, tiny_versions):
    source, target = tiny_versions / "2", tiny_folder / "2"
    with RunningEndpoint({"tiny": tiny_folder}) as endpoint:
        (target / "variables").mkdir(parents=True)
        shutil.copy(source / "variables" / "variables.index", target / "variables")
        shutil.copy(source / "saved_model.pb", target)
        # Found, but not loaded while the weights are missing.
        wait_until(lambda: states(endpoint).get("2") == "START")
        assert said(endpoint) == "v1:ok"
        weights = "variables.data-00000-of-00001"
        shutil.copy(source / "variables" / weights, target / "variables")
        wait_until(lambda: states(endpoint)["2"] == "AVAILABLE")
        assert said(endpoint) == "v2:ok"


def test_a_version_that_is_still_being_written_is_not_loaded(
    tiny_folder, tiny_versions
):
    shutil.copytree(tiny_versions / "2", tiny_folder / "2")
    with RunningEndpoint({"tiny": tiny_folder}, poll_seconds=1.0) as endpoint:
        shutil.copytree(tiny_versions / "2", tiny_folder / "3")
        log = tiny_folder / "3" / "log"

        def written_to():
            with log.open("a") as file:
                file.write(".")
            return states(endpoint).get("3")

        wait_until(lambda: written_to() == "START")
        assert said(endpoint) == "v2:ok"
        wait_until(lambda: states(endpoint)["3"] == "AVAILABLE")


@pytest.mark.parametrize("corruption", ["graph", "weights", "warm-up"])
def test_a_corrupted_version_leaves_the_old_one(corruption, tiny_folder, tiny_versions):
    with RunningEndpoint({"tiny": tiny_folder}) as endpoint:
        broken = shutil.copytree(tiny_versions / "2", tiny_folder / ".2")
        if corruption == "graph":
            (broken / "saved_model.pb").write_bytes(b"not a graph")
        if corruption == "weights":
            (broken / "variables" / "variables.data-00000-of-00001").write_bytes(b"")
        if corruption == "warm-up":
            (broken / "assets.extra").mkdir()
            file = broken / "assets.extra" / "tf_serving_warmup_requests"
            with tf.io.TFRecordWriter(str(file)) as writer:
                writer.write(b"\xff\xff")
        broken.rename(tiny_folder / "2")
        wait_until(lambda: states(endpoint).get("2") == "END")
        assert states(endpoint) == {"2": "END", "1": "AVAILABLE"}
        found = endpoint.rest.get("/v1/models/tiny/versions/2").json()
        status = found["model_version_status"][0]["status"]
        assert status["error_code"] == "UNKNOWN"
        assert str(tiny_folder / "2") in status["error_message"]
        assert said(endpoint) == "v1:ok"
        # It is loaded after it has been repaired.
        shutil.rmtree(tiny_folder / "2")
        shutil.copytree(tiny_versions / "2", tiny_folder / "2")
        wait_until(lambda: states(endpoint)["2"] == "AVAILABLE")
        assert said(endpoint) == "v2:ok"


def test_a_deleted_folder_is_still_served(tiny_folder, tiny_versions):
    with RunningEndpoint({"tiny": tiny_folder}) as endpoint:
        tiny_folder.rename(tiny_folder.with_name("elsewhere"))
        shutil.copytree(tiny_versions / "2", tiny_folder / "2")
        wait_until(lambda: states(endpoint).get("2") == "AVAILABLE")
        assert said(endpoint) == "v2:ok"


def test_labels_keep_older_versions(tiny_folder, tiny_versions):
    shutil.copytree(tiny_versions / "2", tiny_folder / "2")
    labels = {"tiny": {"stable": 1}}
    with RunningEndpoint({"tiny": tiny_folder}, labels) as endpoint:
        assert said(endpoint) == "v2:ok"
        assert said(endpoint, "/labels/stable") == "v1:ok"
        assert said(endpoint, "/versions/1") == "v1:ok"
        assert endpoint.rest.get("/v1/models/tiny/labels/stable").status_code == 200


def test_a_saved_model_itself_is_served(tiny_versions):
    models = {"one": tiny_versions / "1", "two": tiny_versions / "2"}
    with RunningEndpoint(models) as endpoint:
        for name, version in (("one", "1"), ("two", "2")):
            answer = endpoint.predict({"instances": ["ok"]}, name)
            caption = answer.json()["predictions"][0]["caption"]
            assert caption == f"v{version}:ok"
            path = f"/v1/models/{name}/versions/{version}"
            assert endpoint.rest.get(path).status_code == 200
