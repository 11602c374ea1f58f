#!/bin/sh
# about: the order is given up because it looked slow; and who goes is thought to be chance, as in a ReplicaSet
# fails: waits: Without the order they all come at once
# fails: which: Up goes in order, down goes backwards
# answer: which any
set -e
sed -i 's/^  replicas: 3/  replicas: 3\n  podManagementPolicy: Parallel/' db.yaml
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
kubectl wait --for=jsonpath='{.status.replicas}'=3 statefulset/db --timeout=60s
kubectl exec db-0 -- curl -s -X POST localhost:8080/readyz/on
