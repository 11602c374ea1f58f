#!/bin/sh
# about: two init containers, of which the second uses what the first wrote; the pods are put together by JSON
# answer: status init
# answer: order sidecar
set -e
kubectl create -f - <<MANIFEST
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app"}, "spec": {
  "volumes": [{"name": "w", "emptyDir": {}}],
  "initContainers": [
    {"name": "one", "image": "drydock/base:1", "command": ["sh", "-c", "echo hi > /w/draft"], "volumeMounts": [{"name": "w", "mountPath": "/w"}]},
    {"name": "two", "image": "drydock/base:1", "command": ["mv", "/w/draft", "/w/greeting"], "volumeMounts": [{"name": "w", "mountPath": "/w"}]}],
  "containers": [{"name": "app", "image": "drydock/base:1", "command": ["sh", "-c", "cat /work/greeting && sleep infinity"],
    "volumeMounts": [{"name": "w", "mountPath": "/work"}]}]}}
MANIFEST
kubectl create -f - <<MANIFEST
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "batch"}, "spec": {
  "restartPolicy": "OnFailure",
  "initContainers": [{"name": "shipper", "restartPolicy": "Always", "image": "drydock/base:1", "command": ["sleep", "infinity"]}],
  "containers": [{"name": "work", "image": "drydock/base:1", "command": ["true"]}]}}
MANIFEST
kubectl wait --for=condition=Ready pod/app --timeout=60s
kubectl wait --for=jsonpath='{.status.phase}'=Succeeded pod/batch --timeout=60s
