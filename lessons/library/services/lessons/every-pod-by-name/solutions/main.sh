#!/bin/sh
# about: the way the text goes
# answer: port direct
# answer: price errors
set -e
kubectl expose deployment cache --cluster-ip=None --port=80 --target-port=8080
kubectl apply -f captain.yaml
kubectl patch service council -p '{"spec":{"publishNotReadyAddresses":true}}'
