#!/bin/sh
# about: the mend and another version in one patch, with a startup probe that opens a connection and a command before the stop
# answer: order same
# answer: grace 25
set -e
kubectl patch deployment shop --patch '{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"drydock/web:2",
  "startupProbe":{"tcpSocket":{"port":8080},"periodSeconds":1,"failureThreshold":30},
  "lifecycle":{"preStop":{"exec":{"command":["sleep","3"]}}}}]}}}}'
kubectl rollout status deployment/shop --timeout=60s
kubectl exec balancer -- timeout 60 sh -c 'until [ "$(tail -n 4 /tmp/visits | sort -u)" = 2 ]; do sleep 0.2; done'
kubectl exec balancer -- mv /tmp/visits /tmp/visits-1
kubectl exec balancer -- timeout 60 sh -c 'until grep -q 2 /tmp/visits; do sleep 0.2; done'
kubectl set image deployment/shop web=drydock/web:1
kubectl rollout status deployment/shop --timeout=60s
