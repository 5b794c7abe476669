"""POST /prompts/enhance."""

from flask.testing import FlaskClient

URL = "/api/v1/prompts/enhance"


def test_a_prompt_comes_back_in_the_models_words(client: FlaskClient) -> None:
    answer = client.post(URL, json={"prompt": "a ship"})
    assert answer.status_code == 200
    made = answer.get_json()
    assert made["prompt"].startswith("a sailboat ")
    assert (made["by"], made["warning"]) == ("rules", None)
    assert "“ship” is now “sailboat”" in made["changes"]


def test_what_cannot_be_enhanced_is_refused(client: FlaskClient) -> None:
    assert client.post(URL, json={"prompt": ""}).get_json()["errors"][0]["field"] == "prompt"
    assert client.post(URL, json={"prompt": "a", "model": "nowhere"}).get_json()["code"] == "unknown_model"
