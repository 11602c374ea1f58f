#!/bin/sh
# about: both pods are lost, all at once and after the wishes; the wishes are patches; stopped a second time without need
# answer: how compare
set -e
drydock component stop controller-manager
drydock component stop controller-manager
kubectl patch deployment shop --patch '{"spec":{"replicas":5}}'
kubectl patch deployment shop --type=json --patch '[{"op":"replace","path":"/spec/replicas","value":3}]'
kubectl delete pods -l app=shop --now
drydock component start controller-manager
kubectl rollout status deployment/shop --timeout=60s
