#!/bin/sh
# about: a Service with an address, as one always makes them: it leads to any of the three. And db-1 is never taken away.
# fails: names: need a headless Service
# fails: back: Who takes a place in a StatefulSet takes its name as well
set -e
kubectl apply -f db.yaml
kubectl create service clusterip db --tcp=8080:8080
kubectl rollout status statefulset/db --timeout=60s
