#!/bin/sh
# about: api first; notes made anew with its owner in it, and freed of a second owner; the foreground is not waited for
# answer: saved garbage
set -e
kubectl delete deployment api --cascade=orphan
sed 's/replicas: 1/replicas: 1\n  revisionHistoryLimit: 3/' api.yaml | kubectl create -f -
kubectl create configmap other
ref() { echo "{apiVersion: $1, kind: $2, name: $3, uid: $(kubectl get "$2" "$3" -o jsonpath='{.metadata.uid}')}"; }
kubectl replace --force -f - <<MANIFEST
apiVersion: v1
kind: ConfigMap
metadata:
  name: notes
  ownerReferences:
  - $(ref v1 ConfigMap other)
  - $(ref apps/v1 Deployment web)
MANIFEST
kubectl delete configmap other
kubectl delete deployment web
kubectl wait --for=delete configmap/notes --timeout=60s
kubectl delete deployment shop --cascade=foreground --wait=false
