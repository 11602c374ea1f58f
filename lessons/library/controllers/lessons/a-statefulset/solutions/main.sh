#!/bin/sh
# about: the way the text goes
# answer: which last
set -e
kubectl apply -f db.yaml
kubectl rollout status statefulset/db --timeout=60s
kubectl create service clusterip db --clusterip=None
kubectl delete pod db-1
kubectl wait --for=jsonpath='{.status.readyReplicas}'=3 statefulset/db --timeout=60s
kubectl scale statefulset db --replicas=1
kubectl wait --for=delete pod/db-2 pod/db-1 --timeout=60s
kubectl exec db-0 -- curl -s -X POST localhost:8080/readyz/off
kubectl wait --for=condition=Ready=false pod/db-0 --timeout=60s
kubectl scale statefulset db --replicas=3
kubectl wait --for=jsonpath='{.status.observedGeneration}'=3 statefulset/db --timeout=60s
kubectl exec db-0 -- curl -s -X POST localhost:8080/readyz/on
