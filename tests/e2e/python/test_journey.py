"""The official Python SDK as a black-box client: it checks every field of every answer against its models.

Works with nothing but the object that `vitrine demo --json` printed, whose path is in VITRINE_DEMO.
"""

import io
import json
import os
import time
import unittest
import zipfile
from datetime import datetime, timedelta, timezone
from urllib.parse import urlsplit

import trimesh
from shapediver import geometry_api_v2 as sd

COMPUTE_MS_MAX = 60_000
CHECK_S_MAX = 120

BOX = """const { cuboid } = require('@jscad/modeling').primitives
function getParameterDefinitions() {
  return [{ name: 'width', type: 'float', initial: 10, min: 1, max: 1000, step: 0.5, caption: 'Width' }]
}
function main(parameters) {
  return cuboid({ size: [parameters.width, 20, 30] })
}
module.exports = { main, getParameterDefinitions }
"""


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def error_of(exception: sd.ApiException) -> dict:
    return json.loads(exception.body)


class Journey(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        with open(os.environ["VITRINE_DEMO"], encoding="utf-8") as file:
            cls.demo = json.load(file)
        cls.base = cls.demo["base_url"]
        cls.model = cls.demo["models"][0]
        cls.page = cls.client(origin=origin_of(cls.demo["shop_url"]))
        cls.owner = cls.client(token=cls.demo["model_jwt"])
        cls.backend = cls.client(token=cls.demo["backend_jwt"])

    @classmethod
    def client(cls, token: str | None = None, origin: str | None = None) -> sd.SdClient:
        headers = {"Origin": origin} if origin else {}
        return sd.SdClient(sd.Configuration(host=cls.base, access_token=token), headers)

    def open(self, client: sd.SdClient | None = None, ticket: str | None = None):
        ticket = ticket or self.model["embedding_ticket"]
        session = sd.SessionApi(client or self.page).create_session_by_ticket(ticket)
        self.assertIsInstance(session, sd.ResCreateSessionByTicket)
        return session

    def close(self, session) -> None:
        sd.SessionApi(self.page).close_session(session.session_id)

    def slider(self, session):
        """The first GLB output and a number with limits that changes it."""
        outputs = [output.actual_instance for output in session.outputs.values()]
        geometry = next(
            output
            for output in outputs
            if any(item.format == "glb" for item in getattr(output, "content", None) or [])
        )
        for parameter in session.parameters.values():
            parameter = getattr(parameter, "actual_instance", parameter)
            numeric = parameter.type in ("Int", "Float")
            if numeric and parameter.min is not None and parameter.id in geometry.dependency:
                return geometry, parameter
        self.fail("no Int or Float parameter with limits changes the first GLB output")

    @staticmethod
    def at(parameter, share: float) -> str:
        digits = 0 if parameter.type == "Int" else int(parameter.decimalplaces or 0)
        return f"{parameter.min + (parameter.max - parameter.min) * share:.{digits}f}"

    def customization(self, **values):
        return sd.ReqCustomization.from_dict(values)

    def compute(self, session, **values):
        result = sd.submit_and_wait_for_output(
            self.page, session.session_id, self.customization(**values), COMPUTE_MS_MAX
        )
        return {key: output.actual_instance for key, output in result.outputs.items()}

    def export(self, session, export_id: str, **values):
        body = sd.ReqExport(parameters=self.customization(**values), exports=[export_id])
        result = sd.submit_and_wait_for_export(self.page, session.session_id, body, COMPUTE_MS_MAX)
        content = result.exports[export_id].actual_instance.content[0]
        return content, sd.download(content.href).data

    def assert_gone(self, call) -> None:
        with self.assertRaises(sd.ApiException) as caught:
            call()
        self.assertEqual(caught.exception.status, 410)
        self.assertEqual(error_of(caught.exception)["error"], "SdSessionGoneError")

    def test_values_change_the_geometry_and_the_same_values_come_back(self) -> None:
        session = self.open()
        geometry, parameter = self.slider(session)

        def once(value):
            output = self.compute(session, **{parameter.id: value})[geometry.id]
            self.assertEqual(output.status_computation, "success")
            href = next(item.href for item in output.content if item.format == "glb")
            data = sd.AssetsApi(self.page).download_output(session.session_id, href.rsplit("/", 1)[1])
            self.assertEqual(bytes(data[:4]), b"glTF")
            return output.version, bytes(data)

        low, high = self.at(parameter, 0.2), self.at(parameter, 0.8)
        first, second = once(low), once(high)
        self.assertNotEqual(first[0], second[0])
        self.assertNotEqual(first[1], second[1])
        self.assertEqual(once(low), first)
        self.close(session)

    def test_the_first_export_is_a_watertight_stl(self) -> None:
        session = self.open()
        _, parameter = self.slider(session)
        export_id = next(iter(session.exports))
        volumes = []
        for share in (0.2, 0.8):
            content, data = self.export(session, export_id, **{parameter.id: self.at(parameter, share)})
            self.assertEqual(content.format, "stl")
            mesh = trimesh.load(io.BytesIO(data), file_type="stl", force="mesh")
            self.assertGreater(len(mesh.faces), 0)
            self.assertTrue(mesh.is_watertight, f"open edges at {parameter.name} = {share}")
            self.assertTrue(mesh.is_winding_consistent)
            self.assertGreater(mesh.volume, 0)
            volumes.append(mesh.volume)
        self.assertNotAlmostEqual(volumes[0], volumes[1])
        self.close(session)

    def test_every_export_of_every_model_is_a_file_of_its_kind(self) -> None:
        for model in self.demo["models"]:
            session = self.open(ticket=model["embedding_ticket"])
            formats = set()
            for export_id in session.exports:
                content, data = self.export(session, export_id)
                formats.add(content.format)
                with self.subTest(model=model["slug"], format=content.format):
                    self.check_file(content.format, data)
            self.assertLessEqual({"stl", "3mf", "glb"}, formats, model["slug"])
            self.close(session)

    def check_file(self, kind: str, data: bytes) -> None:
        if kind == "stl":
            mesh = trimesh.load(io.BytesIO(data), file_type="stl", force="mesh")
            self.assertTrue(mesh.is_watertight)
            self.assertGreater(mesh.volume, 0)
        elif kind == "3mf":
            with zipfile.ZipFile(io.BytesIO(data)) as package:
                self.assertIsNone(package.testzip())
                names = package.namelist()
                self.assertIn("[Content_Types].xml", names)
                part = next(name for name in names if name.endswith(".model"))
                self.assertIn(b"<triangle ", package.read(part))
        elif kind == "glb":
            self.assertEqual(data[:4], b"glTF")
            self.assertEqual(int.from_bytes(data[8:12], "little"), len(data))
            scene = trimesh.load(io.BytesIO(data), file_type="glb", force="scene")
            self.assertGreater(sum(len(mesh.faces) for mesh in scene.geometry.values()), 0)

    def test_a_closed_session_is_gone_for_every_call(self) -> None:
        session = self.open()
        geometry, parameter = self.slider(session)
        export_id = next(iter(session.exports))
        self.close(session)
        body = self.customization(**{parameter.id: parameter.defval})
        request = sd.ReqExport(parameters=body, exports=[export_id])
        self.assert_gone(lambda: sd.SessionApi(self.page).close_session(session.session_id))
        self.assert_gone(lambda: sd.SessionApi(self.page).get_session_defaults(session.session_id))
        self.assert_gone(lambda: sd.OutputApi(self.page).compute_outputs(session.session_id, body))
        self.assert_gone(lambda: sd.ExportApi(self.page).compute_exports(session.session_id, request))
        self.assert_gone(
            lambda: sd.OutputApi(self.owner).list_output_versions(session.session_id, geometry.id)
        )

    def test_defaults_and_published_keys_are_valid_answers(self) -> None:
        session = self.open()
        defaults = sd.SessionApi(self.page).get_session_defaults(session.session_id)
        self.assertEqual(list(defaults.parameters), list(session.parameters))
        self.assertIsNone(session.model_state)
        self.assertTrue(sd.AuthApi(self.page).get_json_web_key_sets()["keys"])
        self.close(session)

    def test_a_foreign_origin_reads_why_it_is_refused(self) -> None:
        stranger = self.client(origin=origin_of(self.demo["stranger_url"]))
        with self.assertRaises(sd.ApiException) as caught:
            sd.SessionApi(stranger).create_session_by_ticket(self.model["embedding_ticket"])
        self.assertEqual(caught.exception.status, 403)
        error = error_of(caught.exception)
        self.assertEqual(error["error"], "SdTicketValidationError")
        self.assertIn(origin_of(self.demo["stranger_url"]), error["message"])

    def test_the_owner_reads_the_model_with_all_its_members(self) -> None:
        model = sd.ModelApi(self.owner).get_model(self.model["id"])
        self.assertEqual(model.model.stat, "confirmed")
        self.assertIn(model.setting.compute.trust, ("", "none", "full"))
        reasons = model.setting.model.blocking_reasons
        self.assertEqual([reasons.owner, reasons.credit_limit], [False, False])
        self.assertIsNotNone(sd.ModelApi(self.owner).get_model_config(self.model["id"]).viewer)
        self.assertIn(b"main", bytes(sd.ModelApi(self.owner).download_model_file(self.model["id"])))

    def test_a_model_goes_all_the_way_from_creation_to_an_export_of_known_volume(self) -> None:
        models = sd.ModelApi(self.backend)
        created = models.create_model(sd.ReqModel(name="Box", filename="box.js"))
        self.assertEqual(created.model.stat, "not_uploaded")
        answer = sd.upload(created.file.upload, BOX.encode(), "application/octet-stream")
        self.assertEqual(answer.status, 200)
        end = time.monotonic() + CHECK_S_MAX
        while (model := models.get_model(created.model.id)).model.stat != "confirmed":
            self.assertNotEqual(model.model.stat, "denied", model.model.msg)
            self.assertLess(time.monotonic(), end, "the model was never confirmed")
            time.sleep(0.1)
        self.assertIn(
            created.model.id, [entry.id for entry in models.list_models().list.model]
        )

        until = datetime.now(timezone.utc) + timedelta(hours=1)
        wanted = sd.ReqTicket(
            type="", pub=False, until=until.strftime("%Y%m%d%H%M%S"), accessdomains=["box.example"]
        )
        made = sd.SessionApi(self.backend).create_ticket(created.model.id, wanted)
        seen = sd.SessionApi(self.backend).decrypt_ticket(made.ticket).decrypted_ticket
        self.assertEqual(seen.model_id, created.model.id)
        self.assertEqual(seen.accessdomains, ["box.example"])
        self.assertEqual([seen.author, seen.pub, seen.use_id2], [False, False, False])
        self.assertEqual(seen.until, wanted.until)

        models.update_model(created.model.id, sd.ReqModel(accessdomains=["box.example"]))
        session = self.open(self.client(origin="https://box.example"), made.ticket)
        width = next(
            parameter
            for parameter in (getattr(p, "actual_instance", p) for p in session.parameters.values())
            if parameter.name == "width"
        )
        stl = next(
            export.id
            for export in (e.actual_instance for e in session.exports.values())
            if "stl" in export.name.lower()
        )
        for value in (5, 40):
            _, data = self.export(session, stl, **{width.id: str(value)})
            mesh = trimesh.load(io.BytesIO(data), file_type="stl", force="mesh")
            self.assertTrue(mesh.is_watertight)
            self.assertAlmostEqual(mesh.volume, value * 20 * 30, delta=value * 0.5)
        self.close(session)

    def test_tokens_open_what_they_name_and_nothing_else(self) -> None:
        with self.assertRaises(sd.ApiException) as caught:
            sd.ModelApi(self.owner).get_model(self.demo["models"][1]["id"])
        self.assertEqual(caught.exception.status, 403)
        session = sd.SessionApi(self.owner).create_session_by_model(self.model["id"])
        self.assertEqual(session.model.id, self.model["id"])
        self.close(session)


if __name__ == "__main__":
    unittest.main(verbosity=2)
