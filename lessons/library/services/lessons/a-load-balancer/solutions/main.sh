#!/bin/sh
# about: the way the text goes
# answer: who controller
# answer: layers both
set -e
kubectl patch service shop -p '{"spec":{"type":"ClusterIP"}}'
kubectl patch service shop -p '{"spec":{"type":"LoadBalancer"}}'
kubectl wait --for=jsonpath='{.status.loadBalancer.ingress[0].ip}'=172.30.0.200 service/shop --timeout=60s
kubectl patch service shop -p '{"spec":{"type":"ClusterIP"}}'
