#!/bin/sh
# about: the program is ended instead of the pod: the same pod goes on, with the same address
# fails: lost: Pods come and go, with each update
set -e
ip=$(kubectl get pods -l app=web -o jsonpath='{.items[0].status.podIP}')
kubectl exec client -- sh -c "echo $ip > /tmp/address"
kubectl exec deployment/web -- kill 1 || true # what ends a container may end this program, too
sleep 1
kubectl wait --for=condition=Available deployment/web --timeout=60s
