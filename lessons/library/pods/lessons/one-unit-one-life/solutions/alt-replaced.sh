#!/bin/sh
# about: another duo, whose web ends by itself once; replaced by force in one command
# answer: room waits
# answer: same name
set -e
duo() {
  cat <<MANIFEST
apiVersion: v1
kind: Pod
metadata: {name: duo, labels: {try: "$1"}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: clock, image: "drydock/base:1", command: [sleep, infinity]}
  - {name: web, image: "drydock/base:1", command: [sh, -c, "sleep $1"]}
MANIFEST
}
duo 1 | kubectl create -f -
until [ "$(kubectl get pod duo -o jsonpath='{.status.containerStatuses[?(@.name=="web")].restartCount}')" -gt 0 ]; do sleep 0.2; done
duo infinity | kubectl replace --force -f -
kubectl wait --for=condition=Ready pod/duo --timeout=60s
