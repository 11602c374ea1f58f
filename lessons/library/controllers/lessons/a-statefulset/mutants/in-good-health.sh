#!/bin/sh
# about: down to one and up again while db-0 is well: that the others wait for it cannot be seen
# fails: waits: Order means that each member can count on those before it
# answer: which last
set -e
kubectl apply -f db.yaml
kubectl rollout status statefulset/db --timeout=60s
kubectl create service clusterip db --clusterip=None
kubectl delete pod db-1
kubectl wait --for=jsonpath='{.status.readyReplicas}'=3 statefulset/db --timeout=60s
kubectl scale statefulset db --replicas=1
kubectl wait --for=delete pod/db-2 pod/db-1 --timeout=60s
kubectl scale statefulset db --replicas=3
kubectl wait --for=jsonpath='{.status.readyReplicas}'=3 statefulset/db --timeout=60s
