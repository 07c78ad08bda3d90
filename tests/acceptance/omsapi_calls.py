"""Calls of the public OMS client as its users make them. Runs in the clients' environment; prints what came as JSON.

Arguments: address of the API without version, address of the token endpoint, a run, its fill.
"""

import json
import sys

import omsapi
import requests

api_url, token_url, run, fill = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
omsapi.cern_api_url = token_url

plain = omsapi.OMSAPI(api_url, "v1", cert_verify=False, verbose=False)
signed = omsapi.OMSAPI(api_url, "v1", cert_verify=False, verbose=False)
signed.auth_oidc("me", "s3cret")


def answer(query):
    response = query.data()
    assert response.status_code == 200, (query.data_query(), response.status_code, response.text[:300])
    return response.json()


def attributes(query):
    return [row["attributes"] for row in answer(query)["data"]]


found = {}

query = plain.query("runs")
query.attrs(["run_number", "fill_number"]).filter("fill_number", fill).sort("run_number", asc=False)
query.paginate(page=1, per_page=100)
found["runs_of_fill"] = attributes(query)

query = plain.query("fills")
query.filters([{"attribute_name": "fill_number", "value": fill, "operator": "GE"}])
query.filter("fill_number", fill, "LE")
found["fills"] = attributes(query)

query = plain.query("lumisections")
query.filter("run_number", run).filter("lumisection_number", 3, "GE").filter("lumisection_number", 5, "LE")
query.include("meta").paginate(1, 1000)
whole = answer(query)
found["lumisections"] = [row["attributes"]["lumisection_number"] for row in whole["data"]]
found["row_units"] = whole["data"][0]["meta"]["row"]["init_lumi"]["units"]
found["described"] = sorted(whole["meta"]["fields"])[:3]
found["metadata"] = "init_lumi" in query.meta()
found["presentation"] = attributes(plain.query("runs").filter("run_number", run).include("presentation_timestamp"))[0][
    "start_time"
]

query = plain.query("l1triggerrates")
query.filter("run_number", run).custom("group[granularity]", "lumisection").paginate(per_page=5000)
found["l1_by_lumisection"] = len(attributes(query))
query = plain.query("l1triggerrates").filter("run_number", run)
found["l1_total"] = attributes(query)[0]["l1a_total"]["counter"]

query = plain.query("hltpathinfo").filter("run_number", run).filter("path_name", "HLT_ZeroBias_v6")
found["hlt_accepted"] = attributes(query)[0]["accepted"]

query = plain.query("hltpathrates").filter("run_number", run).filter("path_name", "HLT_ZeroBias_v6")
query.custom("group[granularity]", "lumisection").paginate(per_page=5000)
found["hlt_events"] = sum(row["counter"] for row in attributes(query))

query = plain.query("datasetrates/datasets").filter("run_number", run)
found["datasets"] = answer(query)["data"]["attributes"]["dataset_names"]

pages = []
for page in range(1, 100):
    query = plain.query("lumisections").filter("run_number", run).paginate(page, 100)
    whole = answer(query)
    pages.append(len(whole["data"]))
    if whole["links"]["next"] is None:
        break
found["pages"] = pages
found["count"] = whole["meta"]["totalResourceCount"]

found["typo_is_dropped"] = len(attributes(plain.query("runs").filter("runn_number", 1).paginate(1, 7)))
found["workspaces"] = plain.query_metadata().data("workspaces").status_code
found["signed"] = len(attributes(signed.query("runs").filter("run_number", run)))
found["endpoints"] = requests.get(api_url + "/v1/version/endpoints", timeout=120).status_code

# Clients before 0.9.5 had a slash at the end of the resource; DIALS names the resource in a parameter.
slashed = requests.get(api_url + f"/v1/runs/?fields=run_number&filter[run_number][EQ]={run}", timeout=120)
found["slash"] = slashed.json()["data"][0]["attributes"]
proxied = requests.get(
    api_url.removesuffix("/agg/api") + "/api/v1/oms-proxy/",
    {"endpoint": "runs", "filter[run_number][EQ]": run, "fields": "run_number", "page[limit]": 5000},
    timeout=120,
)
found["proxied"] = proxied.json()["data"][0]["attributes"]

sys.stdout.write(json.dumps(found) + "\n")
