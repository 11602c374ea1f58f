#!/bin/sh
# about: the way the text goes, with the mend in the first rollout already
# answer: order same
# answer: grace 25
set -e
cat >> shop.yaml <<MORE
        readinessProbe: {httpGet: {path: /readyz, port: 8080}, periodSeconds: 1}
        lifecycle: {preStop: {sleep: {seconds: 3}}}
MORE
sed -i s/web:1/web:2/ shop.yaml
kubectl replace -f shop.yaml
kubectl rollout status deployment/shop --timeout=60s
kubectl exec balancer -- timeout 60 sh -c 'until [ "$(tail -n 4 /tmp/visits | sort -u)" = 2 ]; do sleep 0.2; done'
kubectl exec balancer -- mv /tmp/visits /tmp/visits-before
kubectl exec balancer -- timeout 60 sh -c 'until grep -q 2 /tmp/visits; do sleep 0.2; done'
kubectl set image deployment/shop web=drydock/web:1
kubectl rollout status deployment/shop --timeout=60s
