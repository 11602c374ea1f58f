#!/bin/sh
# about: the misspelt key is added to the ConfigMap; and the image is sought under another tag, not another name
# fails: settings: Others read it, too
# fails: front: A kubelet starts only what it can fetch
set -e
kubectl set image pod/front front=drydock/wbe:2
kubectl patch configmap settings --type=merge --patch '{"data":{"greetings":"good morning"}}'
kubectl delete pod store --now
kubectl run store --image=drydock/web:1
kubectl wait --for=condition=Ready pod/store pod/greeter --timeout=60s
