#!/bin/sh
# about: the way the text goes
# answer: why other
set -e
ip=$(kubectl get pods -l app=web -o jsonpath='{.items[0].status.podIP}')
kubectl exec client -- sh -c "echo $ip > /tmp/address"
# The address is tried while the pod is there; give that a moment before the pod goes.
sleep 3
kubectl delete pod -l app=web
kubectl wait --for=condition=Available deployment/web --timeout=60s
kubectl expose deployment web --port=80 --target-port=8080
