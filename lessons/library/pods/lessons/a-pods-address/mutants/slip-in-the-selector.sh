#!/bin/sh
# about: the Service looks for a label that no pod has; the change of address is put down to a restart
# fails: service: A Service does not remember pods
# fails: why: A pod is never moved and never comes back
# answer: why restart
set -e
ip=$(kubectl get pods -l app=web -o jsonpath='{.items[0].status.podIP}')
kubectl exec client -- sh -c "echo $ip > /tmp/address"
sleep 3
kubectl delete pod -l app=web
kubectl wait --for=condition=Available deployment/web --timeout=60s
kubectl expose deployment web --port=80 --target-port=8080 --selector=app=website
