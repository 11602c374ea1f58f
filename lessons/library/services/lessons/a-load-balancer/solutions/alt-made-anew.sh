#!/bin/sh
# about: the Service is deleted and made anew with other ports; the door is closed by replacing it
# answer: who controller
# answer: layers both
set -e
kubectl delete service shop
shop() {
  cat <<MANIFEST
apiVersion: v1
kind: Service
metadata: {name: shop}
spec:
  type: $1
  selector: {app: web}
  ports:
  - {name: http, port: 80, targetPort: 8080}
  - {name: other, port: 8080}
MANIFEST
}
shop LoadBalancer | kubectl create -f -
kubectl wait --for=jsonpath='{.status.loadBalancer.ingress[0].ip}'=172.30.0.200 service/shop --timeout=60s
shop ClusterIP | kubectl replace --force -f -
