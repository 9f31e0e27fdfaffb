"""The portraits domain: factors, renderer in two styles, pools of pictures, and the domain object."""
