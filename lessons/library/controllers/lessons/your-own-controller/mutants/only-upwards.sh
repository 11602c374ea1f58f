#!/bin/sh
# about: the loop makes what is missing and never takes away what is too much; the real one is made and not tried
# fails: fewer: A controller goes in both directions
# fails: real: Compare the real one with yours
# answer: who makes
set -e
sed -i '/# 1\./a kubectl run "loop-$(date +%N)" --image=drydock/web:1 --labels=keeper=loop' controller.sh
three() { until [ "$(kubectl get pods -l keeper=loop --field-selector=status.phase=Running -o name | grep -c pod/)" = 3 ]; do sleep 0.2; done; }
sh controller.sh > controller.log 2>&1 &
trap 'kill $!' EXIT
three
kubectl delete --now "$(kubectl get pods -l keeper=loop -o name | head -n 1)"
three
kubectl patch configmap wish -p '{"data":{"replicas":"2"}}'
kubectl apply -f web-rs.yaml
kubectl wait --for=jsonpath='{.status.readyReplicas}'=3 rs/web --timeout=60s
